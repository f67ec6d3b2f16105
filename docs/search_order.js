// How search results are ordered: a lesson comes before the package's functions, and a result's
// words are those of the page, not of the theme's buttons.
var Scorer = {
  score: ([page, title, anchor, description, score]) =>
    score + (page.startsWith("notebooks/") ? 40 : 0) + (anchor ? 0 : 20),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
document.addEventListener("DOMContentLoaded", () => {
  const wholePage = Search.htmlToText;
  Search.htmlToText = (text, anchor) => {
    const page = new DOMParser().parseFromString(text, "text/html");
    for (const part of page.querySelectorAll(".bd-header-article, #jb-print-docs-body")) part.remove();
    return wholePage(page.documentElement.outerHTML, anchor);
  };
});
