package main_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

const redirectURI = "http://127.0.0.1:8080/callback"

// The verifier and challenge of RFC 7636 appendix B.
const (
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

const typeForm = "application/x-www-form-urlencoded"

// post makes a token request with the header that all samples of the API
// reference send.
func post(t testing.TB, base, contentType, body string) (status int, answer map[string]any) {
	t.Helper()
	return postKey(t, base, contentType, body, "YOUR_API_KEY")
}

func postKey(t testing.TB, base, contentType, body, apiKey string) (status int, answer map[string]any) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, base+"/connect/token", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("X-Api-Key", apiKey)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatalf("the answer is not a JSON object: %v", err)
	}
	return resp.StatusCode, answer
}

// parts decodes the header and the claims of a JWT.
func parts(t testing.TB, token any) (header, claims map[string]any) {
	t.Helper()
	split := strings.Split(fmt.Sprint(token), ".")
	if len(split) != 3 {
		t.Fatalf("access_token = %v, want three parts", token)
	}
	for i, into := range []*map[string]any{&header, &claims} {
		b, err := base64.RawURLEncoding.DecodeString(split[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, into); err != nil {
			t.Fatal(err)
		}
	}
	return header, claims
}

func TestExampleRequestOfThePage(t *testing.T) {
	status, answer := post(t, shared.url, typeForm,
		"grant_type=client_credentials&client_id=my-app-id&client_secret=my-app-secret")
	if status != 200 {
		t.Fatalf("status = %d %v, want 200", status, answer)
	}
	names := slices.Sorted(maps.Keys(answer))
	if want := []string{"access_token", "expires_in", "refresh_token", "scope", "token_type"}; !slices.Equal(names, want) {
		t.Errorf("properties = %q, want %q", names, want)
	}
	if answer["token_type"] != "Bearer" || answer["expires_in"] != 3600.0 {
		t.Errorf("token_type, expires_in = %v, %v, want Bearer, 3600", answer["token_type"], answer["expires_in"])
	}
	if s, _ := answer["refresh_token"].(string); !strings.HasPrefix(s, "rt_") {
		t.Errorf("refresh_token = %q, want rt_…", s)
	}
	header, claims := parts(t, answer["access_token"])
	if kid, _ := header["kid"].(string); header["alg"] != "RS256" || header["typ"] != "JWT" || kid == "" || len(header) != 3 {
		t.Errorf("header = %v, want alg RS256, typ JWT, a kid and no more", header)
	}
	for name, want := range map[string]any{"sub": "my-app-id", "aud": "contit-api", "iss": shared.url} {
		if claims[name] != want {
			t.Errorf("%s = %#v, want %q", name, claims[name], want)
		}
	}
	exp, _ := claims["exp"].(float64)
	if iat, _ := claims["iat"].(float64); exp-iat != 3600 {
		t.Errorf("exp - iat = %v, want 3600", exp-iat)
	}
}

// credentials are fresh ones of a client, for each grant the property that it
// needs.
func credentials(t testing.TB, clientID string) map[string]string {
	t.Helper()
	c := make(map[string]string)
	query := url.Values{"client_id": {clientID}, "redirect_uri": {redirectURI}, "scope": {"read write"}}
	if clientID == "my-public-app" {
		query.Set("code_challenge", challenge)
		query.Set("code_challenge_method", "S256")
	}
	for _, page := range []string{"/demo/code", "/demo/api-key"} {
		status, body := get(t, shared.url+page+"?"+query.Encode())
		if status != 200 {
			t.Fatalf("GET %s = %d %s, want 200", page, status, body)
		}
		if err := json.Unmarshal([]byte(body), &c); err != nil {
			t.Fatal(err)
		}
	}
	status, answer := post(t, shared.url, typeForm, "grant_type=api_key&client_id="+clientID+"&api_key="+c["api_key"])
	if status != 200 {
		t.Fatalf("api_key grant = %d %v, want 200", status, answer)
	}
	c["refresh_token"], _ = answer["refresh_token"].(string)
	return c
}

// properties are those of the API reference, in its order.
var properties = []string{
	"grant_type", "client_id", "client_secret", "refresh_token", "api_key", "code", "redirect_uri", "scope",
}

// needs tells which properties a grant reads, beside those of the client.
var needs = map[string][]string{
	"client_credentials": nil,
	"refresh_token":      {"refresh_token"},
	"api_key":            {"api_key"},
	"authorization_code": {"code", "redirect_uri"},
}

// body fills in all eight properties. placeholder makes the value of a property that
// the grant does not need.
func body(t testing.TB, client, grantType string, placeholder func(name string) any) map[string]any {
	t.Helper()
	all := map[string]any{}
	for _, name := range properties {
		all[name] = placeholder(name)
	}
	all["grant_type"], all["client_id"], all["scope"] = grantType, client, "read"
	if client == "my-app-id" {
		all["client_secret"] = "my-app-secret"
	} else if grantType == "authorization_code" {
		all["code_verifier"] = verifier // the ninth
	}
	fresh := credentials(t, client)
	fresh["redirect_uri"] = redirectURI
	for _, name := range needs[grantType] {
		all[name] = fresh[name]
	}
	return all
}

var placeholders = map[string]func(name string) any{
	"placeholder": func(name string) any { return name + "_value" },
	"empty":       func(string) any { return "" },
	"null":        func(string) any { return nil },
}

func asJSON(t testing.TB, all map[string]any) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(all); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func asForm(all map[string]any) string {
	form := url.Values{}
	for name, value := range all {
		text, _ := value.(string) // a form has no null
		form.Set(name, text)
	}
	return form.Encode()
}

func TestAllEightProperties(t *testing.T) {
	for _, client := range []string{"my-app-id", "my-public-app"} {
		for grantType := range needs {
			for style, placeholder := range placeholders {
				t.Run(client+"/"+grantType+"/"+style, func(t *testing.T) {
					wantStatus, wantError := 200, any(nil)
					switch {
					case client == "my-app-id":
					case style == "placeholder" && grantType != "api_key":
						// The endpoint verifies every secret that a request shows, and a public client has none.
						wantStatus, wantError = 401, "invalid_client"
					case grantType == "client_credentials":
						wantStatus, wantError = 400, "invalid_request"
					}
					for contentType, text := range map[string]string{
						"application/json": asJSON(t, body(t, client, grantType, placeholder)),
						typeForm:           asForm(body(t, client, grantType, placeholder)),
					} {
						status, answer := post(t, shared.url, contentType, text)
						if status != wantStatus || answer["error"] != wantError {
							t.Errorf("%s: %d %v, want %d with error %v", contentType, status, answer, wantStatus, wantError)
						}
						if wantStatus == 200 {
							checkIssued(t, client, grantType, answer)
						}
					}
				})
			}
		}
	}
}

// checkIssued checks the answer, and refreshes with the refresh token in it.
func checkIssued(t testing.TB, client, grantType string, answer map[string]any) {
	t.Helper()
	wantScope := "read"
	if grantType == "authorization_code" {
		wantScope = "read write" // the user decided; the parameter has no meaning here
	}
	_, claims := parts(t, answer["access_token"])
	if answer["scope"] != wantScope || claims["client_id"] != client {
		t.Errorf("scope, client_id = %v, %v, want %s, %s", answer["scope"], claims["client_id"], wantScope, client)
	}
	form := fmt.Sprintf("grant_type=refresh_token&client_id=%s&refresh_token=%v", client, answer["refresh_token"])
	if client == "my-app-id" {
		form += "&client_secret=my-app-secret"
	}
	status, again := post(t, shared.url, typeForm, form)
	if status != 200 {
		t.Fatalf("refresh = %d %v, want 200", status, again)
	}
	_, later := parts(t, again["access_token"])
	if later["sub"] != claims["sub"] || later["jti"] == claims["jti"] {
		t.Errorf("after refresh sub, jti = %v, %v, want %v and another jti", later["sub"], later["jti"], claims["sub"])
	}
	if again["refresh_token"] == answer["refresh_token"] || again["refresh_token"] == nil {
		t.Errorf("after refresh refresh_token = %v, want another", again["refresh_token"])
	}
}

// No client has the scope of the samples.
func TestScopePlaceholder(t *testing.T) {
	for grantType := range needs {
		t.Run(grantType, func(t *testing.T) {
			all := body(t, "my-app-id", grantType, placeholders["placeholder"])
			all["scope"] = "scope_value"
			status, answer := post(t, shared.url, "application/json", asJSON(t, all))
			wantStatus, wantError := 400, any("invalid_scope")
			if grantType == "authorization_code" {
				wantStatus, wantError = 200, nil
			}
			if status != wantStatus || answer["error"] != wantError {
				t.Errorf("%d %v, want %d with error %v", status, answer, wantStatus, wantError)
			}
		})
	}
}

func TestAPIKeyInTheHeader(t *testing.T) {
	for _, client := range []string{"my-app-id", "my-public-app"} {
		for style, placeholder := range placeholders {
			t.Run(client+"/"+style, func(t *testing.T) {
				all := body(t, client, "api_key", placeholder)
				all["api_key"] = placeholder("api_key")
				status, answer := postKey(t, shared.url, "application/json", asJSON(t, all), credentials(t, client)["api_key"])
				wantStatus, wantError := 200, any(nil)
				if style == "placeholder" { // the body has a key, and the body wins
					wantStatus, wantError = 400, "invalid_grant"
				}
				if status != wantStatus || answer["error"] != wantError {
					t.Errorf("%d %v, want %d with error %v", status, answer, wantStatus, wantError)
				}
			})
		}
	}
}
