// t("…") says it in the page's language. The words come with the page (datacenter/language/words.py finds every t("…")).
const words = JSON.parse(document.documentElement.dataset.words || "{}");

export const t = (text) => words[text] ?? text;
