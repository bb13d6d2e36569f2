// Times: [data-since] shows how long ago, [data-clock] shows the moment, both in the reader's own zone and with the
// exact moment in the title. Only the words move with the clock; what happened is pushed.
import { t } from "./words.js";

const EVERY_MS = 1000;

function lasted(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

function clock(moment) {
  const today = new Date().toDateString() === moment.toDateString();
  const time = moment.toLocaleTimeString([], { hour12: false });
  return today ? time : `${moment.toLocaleDateString("sv")} ${time}`;
}

function show() {
  for (const place of document.querySelectorAll("time[data-since], time[data-clock]")) {
    const moment = new Date(place.dateTime);
    const exact = "clock" in place.dataset || document.documentElement.dataset.times === "exact";
    const words = exact ? clock(moment) : lasted((Date.now() - moment) / 1000);
    if (place.textContent !== words) place.textContent = words;
    if (place.dataset.exact !== place.dateTime) {
      place.dataset.exact = place.dateTime;
      place.title = ("since" in place.dataset ? t("since {time}") : "{time}").replace("{time}", moment.toLocaleString("sv"));
    }
  }
}

show();
setInterval(show, EVERY_MS);
document.addEventListener("quire:times", show);
document.addEventListener("htmx:afterSettle", show);
document.addEventListener("htmx:wsAfterMessage", show);
