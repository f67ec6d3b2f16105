// What the theme leaves out or says wrongly to a screen reader.
document.addEventListener("DOMContentLoaded", () => {
  // A name that is another one than the words that are seen.
  for (const named of document.querySelectorAll("main summary, .search-button-field")) {
    named.removeAttribute("aria-label");
  }
  // The arrows that unfold the menu have no name.
  for (const arrow of document.querySelectorAll(".bd-links summary")) {
    const link = arrow.parentElement.previousElementSibling;
    arrow.setAttribute("aria-label", `Pages of ${link.textContent.trim()}`);
  }
  // A function's arguments are marked up as definitions of nothing.
  for (const list of document.querySelectorAll(".sig dl")) {
    list.setAttribute("role", "list");
    for (const item of list.children) item.setAttribute("role", "listitem");
  }
});
