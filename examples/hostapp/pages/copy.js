// Copies the text of the element that a button names in data-copy. Without this
// script the button stays hidden, and a click on the key selects all of it.
"use strict";
for (const button of document.querySelectorAll("button[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  const status = document.getElementById("copied");
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source.textContent);
      status.textContent = "Copied.";
    } catch {
      // The browser has no clipboard for this page, or the user refused it.
      getSelection().selectAllChildren(source);
      status.textContent = "Your browser did not copy it. The key is selected: copy it by hand.";
    }
  });
}
