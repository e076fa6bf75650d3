package grants_test

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// FuzzAuthorizationAnswer registers any text as a redirect URI, and holds the place to
// which a browser would take the code against the place that net/url reads in the
// registration. Both must be the same one, or nothing is sent.
func FuzzAuthorizationAnswer(f *testing.F) {
	for _, uri := range []string{
		"https://c1.test/cb", "https://c1.test", "https://c1.test/cb?x=%7E&y'&z[]=1", "https://c1.test/cb?", "HTTPS://C1.Test:443/A%2fb;c",
		"http://127.0.0.1/cb", "http://localhost/cb?a", "http://[::1]:8080/", "http://[::FFFF:1.2.3.4]/", "com.example.app:/cb", "app://host/cb", "app:cb", "app:///cb",
		`https://c1.test\@evil.test/`, "https://c1.test@evil.test/", "https://c1.test/../x", "https://c1.test/%2e%2e/x", "https:c1.test", "https:///c1.test", "http://0x7f.1/",
		"https://c1.test/\tx", "javascript:alert(1)", "data:text/html,x", "https://c1.test:0443/", "https://c1.test/#f", "https://é.test/", "https://xn--e1afmkfd.test/", "https://a.b.%31/",
	} {
		f.Add(uri, uri, "s")
		f.Add(uri, "http://127.0.0.1:49152/cb", "a&b=c#d")
		f.Add(uri, "http://localhost:49152/cb?a", "\r\n")
	}
	f.Fuzz(func(t *testing.T, registered, requested, state string) {
		k := client()
		k.RedirectURIs = []string{registered}
		e := page(t)
		finds(k, nil)(&e)
		a, err := e.Read(get(right("redirect_uri", requested, "state", state).Encode()))
		fault, _ := errors.AsType[*grants.AuthorizationError](err)
		if k.Check() != nil && (fault == nil || fault.Answer != nil) {
			t.Fatalf("a registration of %q that Check refuses gives %+v and error %v, want one that is shown", registered, a, err)
		}
		var answer *grants.AuthorizationResponse
		switch {
		case fault != nil && fault.Answer == nil:
			return
		case fault != nil:
			answer = fault.Answer
		default:
			if _, answer, err = a.Approve(grants.Approval{Subject: "u1"}, at); err != nil {
				t.Fatal(err)
			}
		}
		wantPlace(t, answer.URL(), registered, requested)
	})
}

// TestU01PlacesOfAnswers puts redirect URIs together from pieces in which parsers are
// known to differ. The draw is the same in each run.
func TestU01PlacesOfAnswers(t *testing.T) {
	begins := []string{"https://c1.test", "http://127.0.0.1", "http://localhost", "https://", "https:", "app:", "app://", "app:/", "HTTP://C1.Test", "http://[::1]"}
	pieces := []string{
		":", "/", "//", "\\", "@", "c1.test", "evil.test", "127.1", "0x7f.1", "2130706433", "[::1]", ":80", ":443", ":0443", ":8080", ":65536", "?", "#", "/..", "/.", "/%2e%2E",
		"%", "%41", "%00", "a", "é", "\t", " ", "'", "\"", "x=%7E&y", "&", "[", "]", "|", "^", "_", ".", "-", ";", "$", "code=1",
	}
	e, k := page(t), client()
	finds(k, nil)(&e)
	r := rand.New(rand.NewPCG(1, 2))
	sent := 0
	for range 15000 {
		uri := begins[r.IntN(len(begins))]
		for range r.IntN(4) {
			uri += pieces[r.IntN(len(pieces))]
		}
		k.RedirectURIs = []string{uri}
		a, err := e.Read(get(right("redirect_uri", "-").Encode()))
		if (err == nil) != (k.Check() == nil) {
			t.Fatalf("%q: got %+v and error %v, where Check says %v", uri, a, err, k.Check())
		}
		if err == nil {
			sent++
			wantPlace(t, a.Refuse(grants.AccessDenied).(*grants.AuthorizationError).Answer.URL(), uri, uri)
		}
	}
	if sent < 1500 {
		t.Errorf("%d answers were sent, want 1500 or the test holds nothing", sent)
	}
}

// wantPlace asserts that a browser goes where the registration leads, and that nothing
// of the registered query is lost.
func wantPlace(t *testing.T, answer, registered, requested string) {
	t.Helper()
	b, ok := readAsBrowser(answer)
	r, err := url.Parse(registered)
	if !ok || err != nil {
		t.Fatalf("%q: a browser cannot read the answer %q, or net/url the registration: %v", registered, answer, err)
	}
	if b.hasFragment || b.user != "" || b.scheme != strings.ToLower(r.Scheme) {
		t.Fatalf("%q: the browser reads %+v in the answer %q, want no fragment, no user, and the scheme", registered, b, answer)
	}
	if _, web := browserPorts[b.scheme]; web || b.hasHost {
		if host := strings.Trim(b.host, "[]"); !sameHost(host, r.Hostname()) {
			t.Fatalf("%q: the browser goes to the host %q of %q", registered, b.host, answer)
		}
		loopback := r.Scheme == "http" && slices.Contains([]string{"127.0.0.1", "::1", "localhost"}, r.Hostname())
		port := r.Port()
		if port == browserPorts[b.scheme] {
			port = ""
		}
		if b.port != port && (!loopback || requested == "" || requested == registered) {
			t.Fatalf("%q: the browser goes to the port %q of %q, want %q", registered, b.port, answer, port)
		}
	}
	before, query, _ := strings.Cut(registered, "?")
	path := strings.TrimPrefix(before[len(r.Scheme)+1:], "//"+r.Host)
	if path == "" && b.hasHost && browserPorts[b.scheme] != "" {
		path = "/"
	}
	if b.path != path {
		t.Fatalf("%q: the browser asks for the path %q of %q, want %q", registered, b.path, answer, path)
	}
	ours, ok := strings.CutPrefix(b.query, encodeAsBrowser(query, "", browserPorts[b.scheme] != "", "'"))
	q, err := url.ParseQuery(strings.TrimPrefix(ours, "&"))
	if !ok || err != nil || !slices.Equal(q["iss"], []string{issuer}) || len(q["code"])+len(q["error"]) != 1 || len(q["state"]) > 1 {
		t.Fatalf("%q: the answer %q has not the registered query %q and then one code or error, and iss", registered, answer, query)
	}
}

// sameHost compares the hosts of two parsers: without case, and addresses by value.
func sameHost(a, b string) bool {
	x, err := netip.ParseAddr(a)
	y, err2 := netip.ParseAddr(b)
	return err == nil && err2 == nil && x == y || strings.EqualFold(a, b)
}

// FuzzAuthorizationRequest sends any query, and holds the judgement against what
// net/url reads in it.
func FuzzAuthorizationRequest(f *testing.F) {
	e := page(f)
	for _, q := range []url.Values{
		right(), right("+state", "t"), right("+client_id", "c1"), right("client_id", "several", "redirect_uri", "-"), right("client_id", "off"), right("resource", "https://api.test"),
		right("redirect_uri", "https://evil.test"), right("scope", "read  write"), right("state", "\x00"), right("x", "1", "+x", "2"),
	} {
		f.Add(q.Encode())
	}
	f.Add("client_id=c1&redirect_uri=https://c1.test/cb;&state=a%")
	f.Add("client_id=c1&redirect%5furi=https://evil.test&redirect_uri=https://c1.test/cb")
	f.Fuzz(func(t *testing.T, query string) {
		a, err := e.Read(get(query))
		q, malformed := url.ParseQuery(query)
		fault, _ := errors.AsType[*grants.AuthorizationError](err)
		id := slices.DeleteFunc([]string{"c1", "several", "bare"}, func(id string) bool { return !slices.Equal(q["client_id"], []string{id}) })
		switch {
		case fault != nil && fault.Answer == nil:
			if fault.Status != 400 || fault.Sentence == "" {
				t.Fatalf("%q: got %+v, want 400 and a sentence", query, fault)
			}
			return
		case len(id) != 1 || len(q["redirect_uri"]) > 1:
			t.Fatalf("%q: an answer is sent, and the client or its address is not certain", query)
		}
		k, err := e.Clients.Client(t.Context(), id[0])
		if err != nil {
			t.Fatal(err)
		}
		state := q["state"]
		if fault == nil {
			if malformed != nil || len(state) > 1 || q.Get("response_type") != "code" || len(q["scope"]) > 1 || len(q["code_challenge"]) != 1 || q.Get("code_challenge_method") != "S256" ||
				slices.ContainsFunc(a.Scope, func(s string) bool { return !slices.Contains(k.Scope, s) }) {
				t.Fatalf("%q is taken as %+v", query, a)
			}
			again, err := e.ReadQuery(t.Context(), a.Query())
			if err != nil || again.State != a.State || again.RedirectURI != a.RedirectURI || !slices.Equal(again.Scope, a.Scope) || !slices.Equal(again.Audience, a.Audience) {
				t.Fatalf("%q is %+v at first and then %+v, %v", query, a, again, err)
			}
			fault, _ = errors.AsType[*grants.AuthorizationError](a.Refuse(grants.AccessDenied))
		}
		wantAnswer(t, fault.Answer.URL(), k, q.Get("redirect_uri"), state)
	})
}

// wantAnswer asserts that an error goes to a registered address, with the state if the
// request has one of them.
func wantAnswer(t *testing.T, answer string, k *storage.Client, uri string, state []string) {
	t.Helper()
	if !grants.MayRedirect(k, uri) {
		t.Fatalf("the answer %q goes to a client that has not registered %q", answer, uri)
	}
	if uri == "" {
		uri = k.RedirectURIs[0]
	}
	ours, ok := strings.CutPrefix(answer, uri)
	q, err := url.ParseQuery(strings.TrimLeft(ours, "?&"))
	if !ok || err != nil || q.Get("iss") != issuer || q.Get("error") == "" {
		t.Fatalf("the answer %q does not begin with %q, and end with an error and iss", answer, uri)
	}
	if got := q["state"]; len(got) > 0 && !slices.Equal(got, state) {
		t.Fatalf("the answer %q has the state %q, and the request %q", answer, got, state)
	}
}
