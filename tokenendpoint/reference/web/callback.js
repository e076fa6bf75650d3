// The login comes back here. The page takes the answer out of its address at once, so that
// neither the history nor a look over the shoulder has the code, and hands it to the page
// that waits for it. A BroadcastChannel reaches pages of this origin alone.

const query = location.search;
history.replaceState(null, "", location.pathname);

const channel = new BroadcastChannel("reference:" + location.pathname);
const late = setTimeout(() => { document.getElementById("alone").hidden = false; }, 1500);
channel.onmessage = (event) => {
  if (event.data !== "taken") return;
  clearTimeout(late);
  document.getElementById("alone").hidden = true;
  document.getElementById("done").hidden = false;
  channel.close();
  window.close();
};
if (query) channel.postMessage({ query });
