// A person with a browser, who agrees on the login page.

// settings are what the Go test says: addresses, keys, the user's password.
export const settings = JSON.parse(process.env.SETTINGS);

// pages counts the login pages that the user has seen.
export let pages = 0;

// agree opens the login page, logs in, agrees to all, or to the scopes of settings.grants
// at the first page, and returns the URL to which the browser is sent.
export async function agree(address) {
  const page = await fetch(address, { redirect: "manual" });
  const text = await page.text();
  const form = text.match(/<form method="post" action="([^"]*)">/);
  if (page.status !== 200 || !form) throw new Error(`the login page answered ${page.status} ${page.headers.get("location")} ${text}`);
  let scope = [...text.matchAll(/name="scope" type="checkbox" value="([^"]*)" checked/g)].map((box) => box[1]);
  if (pages++ === 0 && settings.grants) scope = settings.grants;
  const answer = await fetch(new URL(form[1].replaceAll("&amp;", "&").replaceAll("&#43;", "+"), settings.base), {
    method: "POST",
    redirect: "manual",
    body: new URLSearchParams([["name", settings.user], ["password", settings.password], ["decision", "allow"], ...scope.map((s) => ["scope", s])]),
  });
  if (answer.status !== 303) throw new Error(`the form was answered with ${answer.status} ${await answer.text()}`);
  return new URL(answer.headers.get("location"));
}

// say hands a result to the Go test.
export const say = (result) => console.log(JSON.stringify(result));
