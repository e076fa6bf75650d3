// Brings the page to life: tabs in the place of lists, colours, buttons, and the two parts
// that send requests.

document.querySelectorAll("figure.code").forEach((figure) => {
  const code = figure.querySelector("code");
  highlight(code);
  figure.querySelector("figcaption").append(copyButton(() => code.textContent));
});

document.querySelectorAll(".line").forEach((line) => {
  const url = line.querySelector(".url").textContent;
  line.append(copyButton(() => url));
});

document.querySelectorAll(".samples").forEach((samples) => {
  const type = samples.dataset.grant;
  const { group } = tabs(samples.getAttribute("aria-label"), (language) =>
    sampleOf(templateOf(language, type), { url: data.url, pairs: samplePairs(grantOf(type)), basic: false, json: false }));
  samples.replaceChildren(group);
});

const chooseGrant = tryIt(document.getElementById("try"));
document.querySelectorAll("[data-try]").forEach((link) => {
  link.parentElement.hidden = false;
  link.addEventListener("click", () => {
    chooseGrant(link.dataset.try);
    document.getElementById("try-grant").focus({ preventScroll: true });
  });
});

if (data.playground) playground(document.getElementById("playground"));
