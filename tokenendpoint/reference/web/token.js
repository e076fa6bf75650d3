// Decodes an access token, explains its claims, and verifies its signature with the
// published keys (RFC 7515, RFC 7517).

const fromBase64 = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const toBase64 = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

// decode returns the parts of a JWT, or null for what is none.
function decode(token) {
  try {
    const parts = token.split(".");
    if (parts.length !== 3) return null;
    const [header, claims] = parts.slice(0, 2).map((part) => JSON.parse(new TextDecoder().decode(fromBase64(part))));
    return { header, claims, signed: new TextEncoder().encode(parts[0] + "." + parts[1]), signature: fromBase64(parts[2]) };
  } catch {
    return null;
  }
}

const algorithms = {
  RS256: [{ name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, { name: "RSASSA-PKCS1-v1_5" }],
  PS256: [{ name: "RSA-PSS", hash: "SHA-256" }, { name: "RSA-PSS", saltLength: 32 }],
  ES256: [{ name: "ECDSA", namedCurve: "P-256" }, { name: "ECDSA", hash: "SHA-256" }],
  EdDSA: [{ name: "Ed25519" }, { name: "Ed25519" }],
};

// verify returns a sentence, and whether the signature is right: true, false, or null
// if that cannot be known here.
async function verify(token) {
  const { alg, kid } = token.header;
  if (!crypto.subtle) return [t("insecure"), null];
  if (!Object.hasOwn(algorithms, alg)) return [t("cannot", { alg }), null];
  let keys;
  try {
    const response = await fetch(data.jwks, { credentials: "omit", referrerPolicy: "no-referrer" });
    keys = (await response.json()).keys;
  } catch {
    return [t("nokeys"), null];
  }
  const jwk = keys.find((key) => key.kid === kid);
  if (!jwk) return [t("nokey", { kid }), false];
  const [imported, used] = algorithms[alg];
  let key;
  try {
    key = await crypto.subtle.importKey("jwk", { kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y, n: jwk.n, e: jwk.e }, imported, false, ["verify"]);
  } catch {
    return [t("cannot", { alg }), null];
  }
  const right = await crypto.subtle.verify(used, key, token.signature, token.signed);
  return right ? [t("verified", { kid, alg }), true] : [t("forged"), false];
}

// showToken returns the decoded token as an element. Its signature is checked afterwards.
function showToken(text) {
  const token = decode(text);
  if (!token) return h("p", { class: "note" }, t("opaque"));
  const verdict = h("p", { class: "verdict", role: "status" }, data.jwks ? t("verifying") : t("nokeys"));
  if (data.jwks) {
    verify(token).then(([sentence, right]) => {
      verdict.textContent = sentence;
      if (right !== null) verdict.classList.add(right ? "good" : "bad");
    });
  }
  return h("div", { class: "token" }, h("h4", {}, t("token")), verdict,
    codeBlock(t("header"), "json", JSON.stringify(token.header, null, 2)), claimTable(token.claims));
}

function claimTable(claims) {
  const rows = Object.entries(claims).map(([name, value]) => h("tr", { role: "row" },
    h("td", { role: "cell" }, h("code", { class: "name" }, name)),
    h("td", { role: "cell" },
      h("code", { class: "value", dir: "ltr" }, typeof value === "string" ? value : JSON.stringify(value)),
      h("span", { class: "note" }, describeClaim(name, value)))));
  return h("table", { role: "table", "aria-label": t("claims") }, h("tbody", { role: "rowgroup" }, ...rows));
}

function describeClaim(name, value) {
  const known = Object.hasOwn(data.texts, "claim." + name) ? data.texts["claim." + name] : t("custom");
  if (!["exp", "iat", "nbf", "auth_time"].includes(name) || typeof value !== "number") return known;
  const time = new Date(value * 1000).toLocaleString(document.documentElement.lang);
  const left = Math.round(value - Date.now() / 1000);
  return known + " " + (left > 0 ? t("expires", { time, n: left }) : t("expired", { time, n: -left }));
}
