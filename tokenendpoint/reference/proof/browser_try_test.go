package proof

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/contit/oauth/tokenendpoint/jws"
)

// choose chooses a grant of the form.
func (b *tab) choose(grant string) {
	b.Helper()
	eval[bool](b, fmt.Sprintf(`(() => { const s = document.getElementById("try-grant"); s.value = %q; s.dispatchEvent(new Event("change")); return true; })()`, grant))
}

func (b *tab) send() {
	b.Helper()
	eval[bool](b, `(document.querySelector("#try .result-area").replaceChildren(), true)`)
	b.click("#try form .button")
	b.until(`document.querySelector("#try .result .status")`)
}

// TestTryEveryGrant sends each grant from the page, in both formats, with the secret in both
// places, and sees the answer explained.
func TestTryEveryGrant(t *testing.T) {
	s := newSite(t, jws.ES256, nil)
	b := open(t, s.url+"/docs", 1440, "light")
	b.fill("#try-client_id", "app")
	b.fill("#try-client_secret", s.secret)

	b.send()
	if got := b.text("#try .result .status"); got != "200" {
		t.Fatalf("client_credentials: got %s, want 200:\n%s", got, b.text("#try .result-area"))
	}
	b.until(`document.querySelector("#try .token .verdict.good")`)
	shown := b.text("#try .result-area")
	for _, want := range []string{
		"POST /connect/token HTTP/1.1", "Host: " + strings.TrimPrefix(s.url, "http://"),
		"grant_type=client_credentials&client_id=app&client_secret=" + s.secret,
		"cache-control: no-store", `"token_type": "Bearer"`, " ms", `"typ": "at+jwt"`, "Verified with the key", "ES256",
		"Audience: the API that the token is for.",
	} {
		if !strings.Contains(shown, want) {
			t.Errorf("the answer does not show %q:\n%s", want, shown)
		}
	}
	b.shoot("#try", "client-credentials")

	b.choose("api_key")
	b.fill("#try-api_key", s.apiKey)
	refresh := ""
	for _, way := range []string{"false", "true"} {
		b.click("input[name=try-format][value=" + way + "]")
		for _, secret := range []string{"false", "true"} {
			b.click("input[name=try-secret][value=" + secret + "]")
			b.send()
			shown := b.text("#try .result-area")
			if got := b.text("#try .result .status"); got != "200" {
				t.Fatalf("api_key with JSON %s and Basic %s: got %s, want 200:\n%s", way, secret, got, shown)
			}
			if strings.Contains(shown, "Content-Type: application/json") != (way == "true") || strings.Contains(shown, "Authorization: Basic ") != (secret == "true") {
				t.Errorf("JSON %s and Basic %s are not what was sent:\n%s", way, secret, shown)
			}
			_, refresh, _ = strings.Cut(shown, `"refresh_token": "`)
			refresh, _, _ = strings.Cut(refresh, `"`)
		}
	}

	b.choose("refresh_token")
	if shown := b.text("#try .result-area"); strings.Contains(shown, "HTTP/1.1") {
		t.Errorf("after another choice the page shows the request before:\n%s", shown)
	}
	if got := eval[string](b, `document.getElementById("try-refresh_token").value`); got != "" {
		t.Errorf("refresh_token is %q before the reader has asked for it", got)
	}
	b.click("#try .source button")
	if got := eval[string](b, `document.getElementById("try-refresh_token").value`); got != refresh {
		t.Errorf("the page offers the refresh token %q, want the newest, %q", got, refresh)
	}
	b.send()
	if got := b.text("#try .result .status"); got != "200" {
		t.Errorf("refresh_token: got %s, want 200:\n%s", got, b.text("#try .result-area"))
	}

	b.choose("authorization_code")
	if got := b.text("#try .source"); !strings.Contains(got, "The Playground gets one.") {
		t.Errorf("the form says of a code %q, want where one comes from", got)
	}
	b.fill("#try-code", "ac_wrong")
	b.send()
	if got := b.text("#try .result .status"); got != "400" || !strings.Contains(b.text("#try .result-area"), "What this error means") {
		t.Errorf("a wrong code: got %s, want 400 and a link to what it means:\n%s", got, b.text("#try .result-area"))
	}
	b.shoot("#try", "refused")

	b.choose(parcelType)
	b.fill("#try-parcel", "42")
	b.send()
	if got := b.text("#try .result .status"); got != "200" {
		t.Errorf("the host's own grant: got %s, want 200:\n%s", got, b.text("#try .result-area"))
	}
	b.quiet(s)
}

// TestTryOffersTheCode redeems in the form the code that the playground has received.
func TestTryOffersTheCode(t *testing.T) {
	s := newSite(t, jws.ES256, nil)
	b := open(t, s.url+"/docs", 1440, "light")
	b.fill("#try-client_id", "app")
	b.fill("#try-client_secret", s.secret)
	b.choose("authorization_code")
	b.logIn()
	b.until(`document.querySelector("#try .source button")`)
	b.click("#try .source button")
	b.send()
	if got := b.text("#try .result .status"); got != "200" {
		t.Errorf("the code of the playground: got %s, want 200:\n%s", got, b.text("#try .result-area"))
	}
	b.until(`!document.querySelector("#try .source button")`)
	b.quiet(s)
}

// TestTryAsks names the parameter that is missing, and sends nothing.
func TestTryAsks(t *testing.T) {
	s := newSite(t, jws.ES256, nil)
	b := open(t, s.url+"/docs", 360, "dark")
	b.click("#try form .button")
	if got := b.text("#try form [role=alert]"); got != "Fill in client_id." {
		t.Errorf("the page says %q, want a word about client_id", got)
	}
	if got := eval[string](b, "document.activeElement.id"); got != "try-client_id" {
		t.Errorf("the focus is at %q, want at the empty field", got)
	}
	b.shoot("#try", "missing")
	b.quiet(s)
}

// TestTryVerifies verifies each algorithm of package jws in the browser, and finds a forged
// signature.
func TestTryVerifies(t *testing.T) {
	for _, alg := range []string{jws.RS256, jws.PS256, jws.EdDSA} { // TestTryEveryGrant has ES256
		t.Run(alg, func(t *testing.T) {
			s := newSite(t, alg, nil)
			b := open(t, s.url+"/docs", 1440, "light")
			b.fill("#try-client_id", "app")
			b.fill("#try-client_secret", s.secret)
			b.send()
			b.until(`document.querySelector("#try .token .verdict.good, #try .token .verdict.bad")`)
			if got := b.text("#try .token .verdict"); !strings.Contains(got, "Verified") || !strings.Contains(got, alg) {
				t.Errorf("the page says %q, want that the signature is right", got)
			}
			// The page loads the keys anew for each token: from here on another key answers.
			b.do(chromedp.Evaluate[chromedp.Void](`(() => {
				const real = window.fetch;
				window.fetch = async (url, options) => {
					const response = await real(url, options);
					if (!url.endsWith("jwks.json")) {
						const body = await response.json();
						const parts = body.access_token.split(".");
						parts[2] = (parts[2][0] === "A" ? "B" : "A") + parts[2].slice(1);
						return Response.json({ ...body, access_token: parts.join(".") });
					}
					return response;
				};
			})()`))
			b.send()
			b.until(`document.querySelector("#try .token .verdict.bad")`)
			if got := b.text("#try .token .verdict"); got != "The signature is wrong." {
				t.Errorf("the page says %q of a forged signature", got)
			}
			b.quiet(s)
		})
	}
}
