// Times: [data-since] shows how long ago, [data-clock] shows the moment, both in the reader's own zone and with the
// other of the two in the title; [data-left] counts down to the moment. Only the words move with the clock; what happened
// is pushed.
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
  for (const place of document.querySelectorAll("time[data-since], time[data-clock], time[data-left]")) {
    const moment = new Date(place.dateTime);
    const left = "left" in place.dataset;
    const exact = "clock" in place.dataset || (!left && document.documentElement.dataset.times === "exact");
    const away = (Date.now() - moment) / 1000;
    const words = exact ? clock(moment) : lasted(left ? -away : away);
    if (place.textContent !== words) place.textContent = words;
  }
}

// Both at once for the pointer: exact, and how long ago or ahead.
document.addEventListener("pointerover", (event) => {
  const place = event.target.closest?.("time[data-since], time[data-clock]");
  if (!place) return;
  const moment = new Date(place.dateTime);
  const away = (Date.now() - moment) / 1000;
  const words = away < 0 ? t("{time}, in {ago}") : t("{time}, {ago} ago");
  place.title = words.replace("{time}", moment.toLocaleString("sv")).replace("{ago}", lasted(Math.abs(away)));
});

show();
setInterval(show, EVERY_MS);
document.addEventListener("quire:times", show);
document.addEventListener("htmx:afterSettle", show);
document.addEventListener("htmx:wsAfterMessage", show);
