package jws_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/tokenendpoint/jws"
)

// jwksServer plays the other server, without a network.
type jwksServer struct {
	mu       sync.Mutex
	requests []*http.Request
	answer   func(*http.Request) (*http.Response, error)
}

func (s *jwksServer) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.requests = append(s.requests, r)
	answer := s.answer
	s.mu.Unlock()
	return answer(r)
}

func (s *jwksServer) set(answer func(*http.Request) (*http.Response, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

// count returns how many requests came since the last call.
func (s *jwksServer) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.requests)
	s.requests = nil
	return n
}

// publishing answers as a KeySet does.
func publishing(h http.Handler) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Result(), nil
	}
}

// saying answers with a body and headers, in pairs.
func saying(status int, body string, header ...string) func(*http.Request) (*http.Response, error) {
	return publishing(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
}

var errDown = errors.New("connection refused")

func down(*http.Request) (*http.Response, error) { return nil, errDown }

// hanging answers when the client has given up.
func hanging(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func newRemote(t testing.TB, s *jwksServer) *jws.Remote {
	t.Helper()
	return newRemoteWith(t, s, slog.New(slog.DiscardHandler))
}

func newRemoteWith(t testing.TB, s *jwksServer, logger *slog.Logger) *jws.Remote {
	t.Helper()
	r, err := jws.NewRemote(jws.RemoteConfig{URL: "https://as.test/jwks.json", Client: &http.Client{Transport: s}, Logger: logger})
	if err != nil {
		t.Fatalf("NewRemote = %v, want no error", err)
	}
	return r
}

// named returns a key set whose one key has this id.
func named(t testing.TB, id string) *jws.KeySet {
	return newKeySet(t, jws.Key{Signer: edKey(), ID: id})
}

// verdict names the result of a key's look-up in a word.
func verdict(k *jws.PublicKey, err error) string {
	switch {
	case err == nil && k != nil:
		return "key"
	case k != nil:
		return "both a key and an error"
	case errors.Is(err, jws.ErrUnknownKey):
		return "unknown"
	case err == nil || errors.Is(err, jws.ErrInvalid):
		return "neither"
	}
	return "outage"
}

func wantKey(t testing.TB, r *jws.Remote, id, want string) *jws.PublicKey {
	t.Helper()
	k, err := r.PublicKey(t.Context(), id, time.Now())
	if got := verdict(k, err); got != want {
		t.Errorf("PublicKey(%q) = %s (%v), want %s", id, got, err, want)
	}
	return k
}

func wantFetches(t testing.TB, s *jwksServer, want int) {
	t.Helper()
	if got := s.count(); got != want {
		t.Errorf("the server was asked %d times, want %d", got, want)
	}
}

func TestRemoteVerifiesWhatAnotherServerSigned(t *testing.T) {
	for _, algorithm := range algorithms {
		t.Run(algorithm, func(t *testing.T) {
			keys := newKeySet(t, signingKey(algorithm))
			server := httptest.NewServer(keys)
			defer server.Close()
			r := must(jws.NewRemote(jws.RemoteConfig{URL: server.URL}))
			got, key, err := jws.Verify(t.Context(), r, sign(t, keys, jws.TypeAccessToken, payload), jws.TypeAccessToken, time.Now())
			if err != nil || string(got) != payload || key.Algorithm() != algorithm {
				t.Errorf("Verify = %q, %v, %v, want %q and a key for %s", got, key, err, payload, algorithm)
			}
			other := sign(t, keys, jws.TypeJWT, payload)
			if _, _, err := jws.Verify(t.Context(), r, other, jws.TypeAccessToken, time.Now()); !errors.Is(err, jws.ErrInvalid) {
				t.Errorf("Verify of another type = %v, want ErrInvalid", err)
			}
		})
	}
}

func TestNewRemoteRefuses(t *testing.T) {
	for url, want := range map[string]string{
		"":                             "missing",
		"https://":                     "not a URL",
		"jwks.json":                    "not a URL",
		"https://u:p@as.test/jwks":     "without user",
		"https://as.test/jwks#a":       "fragment",
		"http://as.test/jwks":          "loopback",
		"http://127.0.0.1.as.test/":    "loopback",
		"http://10.0.0.1/jwks":         "loopback",
		"ftp://as.test/jwks":           "not an https URL",
		"file:///etc/jwks":             "not a URL",
		"https://as.test/\x7f":         "not a URL",
		"https://as.test/jwks?a=b":     "",
		"http://127.0.0.1:8080/jwks":   "",
		"http://[::1]:8080/jwks":       "",
		"http://localhost/jwks":        "",
		"https://as.test:444/keys/one": "",
	} {
		r, err := jws.NewRemote(jws.RemoteConfig{URL: url})
		if want == "" && err != nil || want != "" && (err == nil || r != nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("NewRemote(%q) = %v, %v, want an error with %q", url, r, err, want)
		}
	}
}

func TestRemoteFetchesNothingBeforeItIsUsed(t *testing.T) {
	s := &jwksServer{answer: publishing(named(t, "k"))}
	r := newRemote(t, s)
	wantFetches(t, s, 0)
	wantKey(t, r, "k", "key")
	wantFetches(t, s, 1)
}

func TestRemoteKeepsNoCookies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &jwksServer{answer: saying(200, string(named(t, "k").JWKS()), "Set-Cookie", "a=b; Path=/; Secure")}
		client := &http.Client{Transport: s, Jar: must(cookiejar.New(nil))}
		r := must(jws.NewRemote(jws.RemoteConfig{URL: "https://as.test/jwks.json", Client: client}))
		for range 2 {
			wantKey(t, r, "k", "key")
			if got := s.requests[len(s.requests)-1].Header.Get("Cookie"); got != "" {
				t.Errorf("the request has the cookie %q", got)
			}
			time.Sleep(5 * time.Minute)
		}
		wantFetches(t, s, 2)
		if client.Jar == nil || client.CheckRedirect != nil {
			t.Error("the caller's client was changed")
		}
	})
}

func TestRemoteNeverFetchesForATokenWithoutKeyID(t *testing.T) {
	s := &jwksServer{answer: publishing(named(t, "k"))}
	wantKey(t, newRemote(t, s), "", "unknown")
	wantFetches(t, s, 0)
}

// An answer that is no key set is an outage: at first there are no keys, later the
// last keys serve.
func TestRemoteTakesNoBadAnswerForAnAnswer(t *testing.T) {
	evil := named(t, "evil")
	elsewhere := httptest.NewServer(evil)
	defer elsewhere.Close()
	many := strings.Repeat(`{"kty":"x"},`, 100) + `{"kty":"x"}`
	padded := strings.TrimSuffix(string(evil.JWKS()), "}") + `,"padding":"` + strings.Repeat("x", 10<<20) + `"}`
	for name, answer := range map[string]func(*http.Request) (*http.Response, error){
		"down":                         down,
		"500":                          saying(500, string(evil.JWKS())),
		"404":                          saying(404, string(evil.JWKS())),
		"201":                          saying(201, string(evil.JWKS())),
		"a redirect to keys":           saying(302, string(evil.JWKS()), "Location", elsewhere.URL),
		"a permanent redirect to keys": saying(308, string(evil.JWKS()), "Location", elsewhere.URL),
		"304 unasked":                  saying(304, ""),
		"HTML":                         saying(200, "<!doctype html><title>Sign in</title>", "Content-Type", "text/html"),
		"garbage":                      saying(200, "\x00\xff{"),
		"nothing":                      saying(200, ""),
		"an object without keys":       saying(200, "{}"),
		"null keys":                    saying(200, `{"keys":null}`),
		"keys that are an object":      saying(200, `{"keys":{}}`),
		"an array":                     saying(200, "[]"),
		"a key set and more":           saying(200, string(evil.JWKS())+"{}"),
		"half a key set":               saying(200, string(evil.JWKS()[:20])),
		"10 MiB":                       saying(200, padded),
		"spaces beyond 64 KiB":         saying(200, string(evil.JWKS())+strings.Repeat(" ", 64<<10)),
		"101 keys":                     saying(200, `{"keys":[`+many+`]}`),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &jwksServer{answer: answer}
				r := newRemote(t, s)
				wantKey(t, r, "evil", "outage")
				s.set(publishing(named(t, "k")))
				time.Sleep(time.Second)
				wantKey(t, r, "k", "key")
				if name == "304 unasked" {
					return // now it is asked for
				}
				s.set(answer)
				time.Sleep(5 * time.Minute)
				wantKey(t, r, "k", "key")
				wantKey(t, r, "evil", "outage")
			})
		})
	}
}

// endless gives bytes for as long as it is read.
type endless struct{ read atomic.Int64 }

func (e *endless) Read(b []byte) (int, error) { e.read.Add(int64(len(b))); return len(b), nil }
func (e *endless) Close() error               { return nil }

func TestRemoteReadsNoMoreThan64KiB(t *testing.T) {
	body := new(endless)
	s := &jwksServer{answer: func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: body, Header: http.Header{}}, nil
	}}
	wantKey(t, newRemote(t, s), "k", "outage")
	if got := body.read.Load(); got > 64<<10+1 {
		t.Errorf("%d bytes were read, want 64 KiB and one at most", got)
	}
}

func TestRemoteOverARealConnection(t *testing.T) {
	var mode atomic.Value
	mode.Store("hang up")
	keys := named(t, "k")
	var asked atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer elsewhere.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch mode.Load() {
		case "hang up":
			panic(http.ErrAbortHandler)
		case "302":
			http.Redirect(w, r, elsewhere.URL, http.StatusFound)
		case "10 MiB":
			w.Write(bytes.Repeat([]byte(" "), 10<<20))
		default:
			http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
			keys.ServeHTTP(w, r)
		}
	}))
	defer server.Close()
	r := must(jws.NewRemote(jws.RemoteConfig{URL: server.URL, Logger: slog.New(slog.DiscardHandler)}))
	for i, one := range []string{"hang up", "302", "10 MiB"} {
		mode.Store(one)
		if got := verdict(r.PublicKey(t.Context(), "k", start.Add(time.Duration(i)*time.Second))); got != "outage" {
			t.Errorf("%s: PublicKey = %s, want an outage", one, got)
		}
	}
	if asked.Load() != 0 {
		t.Error("a redirect was followed")
	}
	mode.Store("keys")
	if got := verdict(r.PublicKey(t.Context(), "k", start.Add(time.Minute))); got != "key" {
		t.Errorf("PublicKey = %s, want the key", got)
	}
}

func TestRemoteGivesUpAfterFiveSeconds(t *testing.T) {
	slowBody := func(r *http.Request) (*http.Response, error) {
		pr, pw := io.Pipe()
		context.AfterFunc(r.Context(), func() { pw.CloseWithError(r.Context().Err()) })
		return &http.Response{StatusCode: 200, Body: pr, Header: http.Header{}}, nil
	}
	for name, answer := range map[string]func(*http.Request) (*http.Response, error){"no answer": hanging, "no end of the answer": slowBody} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRemote(t, &jwksServer{answer: answer})
				begun := time.Now()
				wantKey(t, r, "k", "outage")
				if got := time.Since(begun); got != 5*time.Second {
					t.Errorf("it took %s, want 5s", got)
				}
			})
		})
	}
}

func TestRemoteFirstUseWhileTheServerIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &jwksServer{answer: down}
		r := newRemote(t, s)
		_, err := r.PublicKey(t.Context(), "k", time.Now())
		if !errors.Is(err, errDown) {
			t.Errorf("PublicKey = %v, want the cause of the outage", err)
		}
		time.Sleep(time.Second - 1)
		wantKey(t, r, "k", "outage")
		wantFetches(t, s, 1)
		s.set(publishing(named(t, "k")))
		time.Sleep(time.Nanosecond)
		wantKey(t, r, "k", "key")
		wantFetches(t, s, 1)
	})
}

func TestRemoteServesKeysForADayWhileTheServerIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &jwksServer{answer: publishing(named(t, "k"))}
		r := newRemote(t, s)
		wantKey(t, r, "k", "key")
		s.set(down)
		s.count()
		for range 24*60 - 1 {
			time.Sleep(time.Minute)
			wantKey(t, r, "k", "key")
		}
		wantFetches(t, s, 24*60-5) // each minute from the fifth on
		time.Sleep(time.Minute - 1)
		wantKey(t, r, "k", "key")
		time.Sleep(time.Nanosecond)
		wantKey(t, r, "k", "outage")
		s.set(publishing(named(t, "k")))
		time.Sleep(time.Second)
		wantKey(t, r, "k", "key")
	})
}

func TestRemoteAtADayNobodyAskedServesNothingOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &jwksServer{answer: publishing(named(t, "k"))}
		r := newRemote(t, s)
		wantKey(t, r, "k", "key")
		time.Sleep(24 * time.Hour)
		s.set(down)
		wantKey(t, r, "k", "outage")

		s.set(func(r *http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			return publishing(named(t, "k"))(r)
		})
		time.Sleep(time.Second)
		s.count()
		var crowd sync.WaitGroup
		for range 100 { // they wait for keys, as at the start
			crowd.Go(func() { wantKey(t, r, "k", "key") })
		}
		crowd.Wait()
		wantFetches(t, s, 1)
	})
}
