package tokenendpoint_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/clientmetadata"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// reader reads what a stranger sends, outside of the form of the token endpoint, whose
// readers strangers has.
type reader struct {
	name    string
	handler http.Handler
	request func() *http.Request
}

// readersOf are as much work as each of these readers accepts.
func readersOf(b testing.TB) (all []reader, bed *bed) {
	const formType, jsonType = "application/x-www-form-urlencoded", "application/json"
	forwarded := func(header string) func(*tokenendpoint.Config) {
		return func(c *tokenendpoint.Config) {
			c.RemoteAddr = tokenendpoint.TrustedProxies(header, netip.MustParsePrefix("192.0.2.0/24"))
		}
	}
	key := benchKeys()[0]
	bed = newBedWith(b, key, func(c *tokenendpoint.Config) {
		c.Revocations = c.Storage.(storage.Revocations)
		c.ClientValidator = &clientauth.Secrets{Clients: c.Storage, Assertions: &clientauth.Assertions{Issuer: benchIssuer}}
	})
	public := &storage.Client{ID: "spa", AuthMethod: storage.AuthNone, GrantTypes: benchGrants, Scope: []string{"read"}, RedirectURIs: []string{benchRedirect}}
	if err := bed.store.PutClient(b.Context(), public); err != nil {
		b.Fatal(err)
	}
	registration, err := clientmetadata.NewRegistration(clientmetadata.RegistrationConfig{
		URL: benchIssuer + "/connect/register", Keys: []string{base64.StdEncoding.EncodeToString(make([]byte, 32))},
	})
	if err != nil {
		b.Fatal(err)
	}
	post := func(path, contentType, body string) func() *http.Request {
		return func() *http.Request {
			r := httptest.NewRequest(http.MethodPost, benchIssuer+path, strings.NewReader(body))
			r.Header.Set("Content-Type", contentType)
			return r
		}
	}
	with := func(request func() *http.Request, name, value string) func() *http.Request {
		return func() *http.Request {
			r := request()
			r.Header.Set(name, value)
			return r
		}
	}
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	set, err := jws.NewKeySet(key)
	if err != nil {
		b.Fatal(err)
	}
	keyID := set.SigningKey(time.Now()).ID()
	head := func(more string) string {
		return part(`{"alg":"ES256","typ":"at+jwt","kid":"` + keyID + `"` + more + `}`)
	}
	signature := part(strings.Repeat("s", 64))
	members := func(n int) string {
		var s strings.Builder
		for i := range n {
			fmt.Fprintf(&s, `,"m%d":"v"`, i)
		}
		return s.String()
	}
	h := bed.endpoint.(*tokenendpoint.Handler)
	api := h.RequireToken("read")(http.NotFoundHandler())
	get := func() *http.Request {
		return httptest.NewRequest(http.MethodGet, "https://api.example.com/orders", nil)
	}
	for name, text := range map[string]string{
		"of dots":                strings.Repeat(".", 60<<10),
		"without dots":           strings.Repeat("a", 60<<10),
		"with a long header":     head(members(1000)) + "." + part("{}") + "." + signature,
		"with a nested header":   head(`,"x":`+strings.Repeat("[", 4000)+strings.Repeat("]", 4000)) + "." + part("{}") + "." + signature,
		"with a long payload":    head("") + "." + part(`{"a":"b"`+members(3000)+"}") + "." + signature,
		"with a long signature":  head("") + "." + part("{}") + "." + strings.Repeat("s", 50<<10),
		"with a header of text":  part(strings.Repeat("{", 30<<10)) + "." + part("{}") + "." + signature,
		"with a header of space": part(strings.Repeat(" ", 30<<10)+"{}") + "." + part("{}") + "." + signature,
	} {
		all = append(all, reader{"RequireToken, a token " + name, api, with(get, "Authorization", "Bearer "+text)})
		if len(text) > 15<<10 {
			text = text[:15<<10]
		}
		form := "client_id=spa&token=" + text
		all = append(all, reader{"revocation of a token " + name, h, post("/connect/revocation", formType, form)})
		form = "grant_type=client_credentials&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer&client_id=nobody&client_assertion=" + text
		all = append(all, reader{"a client assertion " + name, h, post("/connect/token", formType, form)})
	}

	page := h.AuthorizationEndpoint()
	page.Logger = discard
	login := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := page.Read(r); err != nil {
			page.Answer(w, r, nil, err)
		}
	})
	known := url.Values{"client_id": {"spa"}, "redirect_uri": {benchRedirect}, "response_type": {"code"}, "state": {"x"}, "code_challenge": {testChallenge}, "code_challenge_method": {"S256"}}.Encode()
	for name, more := range map[string]string{
		"scope of two-letter tokens": "&scope=" + scopeOf(1364, 2),
		"nothing but separators":     strings.Repeat("&", 30<<10),
		"nothing but escapes":        "&x=" + strings.Repeat("%41", 10<<10),
		"a hundred long values":      "&" + parameters(90, "x", strings.Repeat("v", 300)),
		"a hundred resources":        strings.Repeat("&resource=https://"+strings.Repeat("r", 300), 90),
		"a hundred short resources":  strings.Repeat("&resource=https://r", 90),
		"one name again and again":   strings.Repeat("&x=v", 90),
		"thousands of parameters":    strings.Repeat("&x=v", 7000),
	} {
		all = append(all,
			reader{"login page, " + name, login, func() *http.Request {
				return httptest.NewRequest(http.MethodGet, "https://as.example.com/login?"+known+more, nil)
			}},
			reader{"login page by POST, " + name, login, post("/login", formType, known+more)})
	}

	keys := string(testbed.PublicKeys(jws.ES256, 0))
	one := keys[len(`{"keys":[`) : len(keys)-len("]}")]
	var hundred []string
	for i := range (15 << 10) / (len(one) + 1) {
		hundred = append(hundred, strings.Replace(one, `"kid":"ES256"`, fmt.Sprintf(`"kid":"%d"`, i), 1))
	}
	for name, body := range map[string]string{
		"thousands of redirect_uris": `{"redirect_uris":["` + strings.Repeat(`https://a","`, 1200) + `https://a"]}`,
		"twenty long redirect_uris":  `{"redirect_uris":["https://a` + strings.Repeat("/"+strings.Repeat("a", 700)+`","https://a`, 19) + `"]}`,
		"a hundred keys":             `{"redirect_uris":["https://a"],"token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[` + strings.Join(hundred, ",") + `]}}`,
		"members":                    `{"redirect_uris":["https://a"]` + members(1200) + `}`,
		"a long name":                `{"redirect_uris":["https://a"],"client_name":"` + strings.Repeat(`\u00e9`, 2500) + `"}`,
		"brackets":                   `{"redirect_uris":["https://a"],"x":` + strings.Repeat("[", 7000) + strings.Repeat("]", 7000) + `}`,
	} {
		all = append(all, reader{"registration, " + name, registration, post("/connect/register", jsonType, body)})
	}

	for header, lines := range map[string]map[string]string{
		"X-Forwarded-For": {"trusted addresses": strings.Repeat("192.0.2.9,", 5000) + "192.0.2.9", "commas": strings.Repeat(",", 60<<10)},
		"Forwarded": {
			"trusted addresses": strings.Repeat("for=192.0.2.9,", 4000) + "for=192.0.2.9", "quotes": strings.Repeat(`"`, 60<<10),
			"escaped quotes": strings.Repeat(`\"`, 30<<10), "backslashes": strings.Repeat(`\`, 60<<10) + `"`, "pairs": strings.Repeat("a=b;", 15<<10) + "for=192.0.2.9",
			"backslashes and quotes": strings.Repeat(strings.Repeat(`\`, 100)+`"`, 600),
		},
	} {
		behind := newBedWith(b, key, forwarded(header))
		for name, line := range lines {
			all = append(all, reader{header + " of " + name, behind.endpoint, with(post("/connect/token", formType, "grant_type=none"), header, line)})
		}
	}
	return all, bed
}

// ask measures the time of one answer.
func (r *reader) ask() time.Duration {
	request, w := r.request(), httptest.NewRecorder()
	start := time.Now()
	r.handler.ServeHTTP(w, request)
	return time.Since(start)
}

// bytes is the length of a request.
func (r *reader) bytes() int {
	request := r.request()
	n := int(max(request.ContentLength, 0)) + len(request.URL.RawQuery)
	for _, values := range request.Header {
		n += len(values[0])
	}
	return n
}

// BenchmarkReaders is the price of requests of strangers to the other readers, next to
// that of a plain token request with its signature.
func BenchmarkReaders(b *testing.B) {
	all, bed := readersOf(b)
	plain := bed.requests(b, grants.TypeClientCredentials, 1)()
	for _, r := range all {
		b.Run(r.name, func(b *testing.B) {
			var strange, usual testbed.Times
			for range b.N {
				strange, usual = append(strange, r.ask()), append(usual, bed.stranger(b, "", "", "", plain))
			}
			b.ReportMetric(strange.Over(usual), "x-plain")
			b.SetBytes(int64(r.bytes()))
		})
	}
}
