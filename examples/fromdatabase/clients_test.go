package main

import (
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"testing"
)

// The apps of the table get what their kind says, with the secrets that they have.
func TestApps(t *testing.T) {
	site := open(t)
	basic := func(id, secret string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(id, secret) }
	}
	tests := []struct {
		name   string
		form   url.Values
		auth   func(*http.Request)
		status int
		code   string // of the error; if empty, there is a token
	}{
		{name: "a secret in Basic", auth: basic("nightly-report", reportSecret), status: 200},
		{name: "a secret in the body", form: url.Values{"client_id": {"nightly-report"}, "client_secret": {reportSecret}}, status: 200},
		{name: "a wrong secret", auth: basic("nightly-report", calendarSecret), status: 401, code: "invalid_client"},
		{name: "an empty secret", auth: basic("nightly-report", ""), status: 401, code: "invalid_client"},
		{name: "the hash as the secret", auth: basic("nightly-report", hex.EncodeToString(hash(reportSecret))), status: 401, code: "invalid_client"},
		{name: "a suspended app", auth: basic("spammer", spammerSecret), status: 401, code: "invalid_client"},
		{name: "an unknown app", auth: basic("nobody", reportSecret), status: 401, code: "invalid_client"},
		{name: "another case of letters", auth: basic("Nightly-Report", reportSecret), status: 401, code: "invalid_client"},
		{name: "an identifier that PostgreSQL does not take", form: url.Values{"client_id": {"a\x00b"}, "client_secret": {"x"}}, status: 400, code: "invalid_request"},
		{name: "an app that acts for users", auth: basic("calendar", calendarSecret), status: 400, code: "unauthorized_client"},
		{name: "an app without a secret", form: url.Values{"client_id": {"reader"}}, status: 400, code: "invalid_request"},
		{name: "the client of the personal tokens", form: url.Values{"client_id": {"scripts"}}, status: 400, code: "invalid_request"},
		{name: "a scope of its own", form: url.Values{"scope": {"notes"}}, auth: basic("nightly-report", reportSecret), status: 200},
		{name: "a scope of others", form: url.Values{"scope": {"profile"}}, auth: basic("nightly-report", reportSecret), status: 400, code: "invalid_scope"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			form := url.Values{"grant_type": {"client_credentials"}}
			maps.Copy(form, test.form)
			got := site.token(form, test.auth)
			code, _ := got.fields["error"].(string)
			if got.status != test.status || code != test.code || (code == "") == (got.fields["access_token"] == nil) {
				t.Errorf("got %d %s, want %d %s", got.status, got.body, test.status, test.code)
			}
		})
	}
}

// A secret that is changed, an app that is suspended: a request sees it when the app is
// read again, which is five seconds later at most, or at once if it is forgotten.
func TestAppsAreReadAgain(t *testing.T) {
	site := open(t)
	ask := func(secret string) int {
		return site.token(url.Values{"grant_type": {"client_credentials"}}, func(r *http.Request) { r.SetBasicAuth("nightly-report", secret) }).status
	}
	for _, step := range []struct {
		change string
		secret string
		want   int
	}{
		{`SELECT`, reportSecret, 200},
		{`UPDATE oauth_apps SET secret_sha256 = encode(sha256('another-secret'), 'hex') WHERE app_key = 'nightly-report'`, reportSecret, 401},
		{`SELECT`, "another-secret", 200},
		{`UPDATE oauth_apps SET suspended = true`, "another-secret", 401},
		{`UPDATE oauth_apps SET suspended = false, secret_sha256 = NULL`, "another-secret", 503}, // a broken row is no verdict
		{`ALTER TABLE oauth_apps RENAME TO moved`, "another-secret", 503},
	} {
		site.sql(step.change)
		site.oauth.clients.Forget("nightly-report")
		if got := ask(step.secret); got != step.want {
			t.Errorf("after %s: got %d, want %d", step.change, got, step.want)
		}
	}
}

// An app whose key looks like the ID of a user is not that user. One whose key looks
// like the sub of a user gets no token.
func TestAppIsNoUser(t *testing.T) {
	site := open(t)
	site.sql(`INSERT INTO oauth_apps (app_key, name, kind, secret_sha256, scopes) VALUES ('1', 'One', 'service', encode(sha256('one'), 'hex'), '{profile}')`)
	got := site.token(url.Values{"grant_type": {"client_credentials"}}, func(r *http.Request) { r.SetBasicAuth("1", "one") })
	token, _ := got.fields["access_token"].(string)
	if me := site.me(token); token == "" || me.status != http.StatusForbidden {
		t.Errorf("got %d %s with the token of an app (%s), want 403", me.status, me.body, got.body)
	}
	site.sql(`INSERT INTO oauth_apps (app_key, name, kind, secret_sha256, scopes) VALUES ('user:1', 'Ada', 'service', encode(sha256('one'), 'hex'), '{profile}')`)
	got = site.token(url.Values{"grant_type": {"client_credentials"}, "client_id": {"user:1"}, "client_secret": {"one"}}, nil)
	if got.status != http.StatusServiceUnavailable {
		t.Errorf("got %d %s for an app that has the sub of a user, want 503", got.status, got.body)
	}
}
