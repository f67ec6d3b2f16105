// The theme's arrows that unfold the menu have no name for a screen reader.
document.addEventListener("DOMContentLoaded", () => {
  for (const arrow of document.querySelectorAll(".bd-links summary")) {
    const link = arrow.parentElement.previousElementSibling;
    arrow.setAttribute("aria-label", `Pages of ${link.textContent.trim()}`);
  }
});
