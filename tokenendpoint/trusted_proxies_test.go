package tokenendpoint_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/tokenendpoint"
)

func TestD32TrustedProxies(t *testing.T) {
	own := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::ffff:172.16.0.0/108"), netip.MustParsePrefix("fd00::/8")}
	for _, tt := range []struct {
		name, header, peer string
		sent               http.Header
		want               string
	}{
		{"a client without a proxy", "X-Forwarded-For", "192.0.2.1:80", http.Header{"X-Forwarded-For": {"198.51.100.9"}}, "192.0.2.1"},
		{"a client behind a proxy", "X-Forwarded-For", "10.0.0.1:80", http.Header{"X-Forwarded-For": {"198.51.100.9, 192.0.2.1"}}, "192.0.2.1"},
		{"a proxy with an IPv6 address", "X-Forwarded-For", "[fd00::1]:80", http.Header{"X-Forwarded-For": {"2001:db8::1"}}, "2001:db8::1"},
		{"a proxy whose IPv4 address is within IPv6", "X-Forwarded-For", "[::ffff:10.0.0.1]:80", http.Header{"X-Forwarded-For": {"192.0.2.1"}}, "192.0.2.1"},
		{"a prefix of IPv4 within IPv6", "X-Forwarded-For", "172.16.0.1:80", http.Header{"X-Forwarded-For": {"192.0.2.1"}}, "192.0.2.1"},
		{"a peer without a port", "X-Forwarded-For", "10.0.0.1", http.Header{"X-Forwarded-For": {"192.0.2.1"}}, "192.0.2.1"},
		{"the header in another case", "x-forwarded-for", "10.0.0.1:80", http.Header{"X-Forwarded-For": {"192.0.2.1"}}, "192.0.2.1"},
		{"Forwarded", "forwarded", "10.0.0.1:80", http.Header{"Forwarded": {`for=198.51.100.9, for="[2001:db8::1]:80";proto=https`}}, "2001:db8::1"},
		{"a header of one address", "X-Real-IP", "10.0.0.1:80", http.Header{"X-Real-Ip": {"192.0.2.1"}}, "192.0.2.1"},
		{"a header that the proxies pass on", "Forwarded", "10.0.0.1:80", http.Header{"Forwarded": {"for=192.0.2.1"}, "X-Forwarded-For": {"198.51.100.9"}}, "192.0.2.1"},
		{"and the other one", "X-Forwarded-For", "10.0.0.1:80", http.Header{"Forwarded": {"for=198.51.100.9"}, "X-Forwarded-For": {"192.0.2.1"}}, "192.0.2.1"},
		{"a proxy that writes no header", "X-Forwarded-For", "10.0.0.1:80", nil, ""},
		{"a proxy that hides the client", "Forwarded", "10.0.0.1:80", http.Header{"Forwarded": {"for=_hidden"}}, ""},
		{"a peer that is no address", "X-Forwarded-For", "@", http.Header{"X-Forwarded-For": {"192.0.2.1"}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/", nil)
			r.RemoteAddr, r.Header = tt.peer, tt.sent
			want, _ := netip.ParseAddr(tt.want)
			if got := tokenendpoint.TrustedProxies(tt.header, own...)(r); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
	for name, make := range map[string]func(){
		"no header":                func() { tokenendpoint.TrustedProxies("") },
		"a header with a colon":    func() { tokenendpoint.TrustedProxies("X-Forwarded-For:") },
		"a prefix that is invalid": func() { tokenendpoint.TrustedProxies("Forwarded", netip.Prefix{}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: got no panic", name)
				}
			}()
			make()
		}()
	}
}

// A proxy on the same machine often comes by a Unix socket, whose peer has no address.
func TestTrustedProxiesOnAUnixSocket(t *testing.T) {
	dir, err := os.MkdirTemp("", "s") // t.TempDir is too long for a socket on some systems
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	remoteAddr := tokenendpoint.TrustedProxies("X-Forwarded-For")
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, remoteAddr(r)) })}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	r, err := http.NewRequestWithContext(t.Context(), "GET", "http://as.test/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Forwarded-For", "198.51.100.9, 192.0.2.1")
	got, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	body := new(bytes.Buffer)
	if _, err := body.ReadFrom(got.Body); err != nil || body.String() != "192.0.2.1" {
		t.Errorf("got %q and error %v, want the right-most address", body, err)
	}
}

// Every event has the address of its client. The log has it where it is needed
// against attackers, and nowhere else.
func TestEventsHaveTheAddress(t *testing.T) {
	var log bytes.Buffer
	var seen []tokenendpoint.Event
	c := goodConfig(t)
	c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c.Observe = func(_ context.Context, e tokenendpoint.Event) { seen = append(seen, e) }
	c.RemoteAddr = tokenendpoint.TrustedProxies("X-Forwarded-For", netip.MustParsePrefix("10.0.0.0/8"))
	secret, h := aClient(t, c), newHandler(t, c)
	for _, tt := range []struct {
		secret string
		logged bool
	}{{secret, false}, {"wrong", true}} {
		log.Reset()
		r := asked("c1", tt.secret, "grant_type=client_credentials")
		r.RemoteAddr = "10.0.0.1:4711"
		r.Header.Set("X-Forwarded-For", "2001:db8::7")
		serve(h, r)
		e := seen[len(seen)-1]
		if e.RemoteAddr != netip.MustParseAddr("2001:db8::7") {
			t.Errorf("the event has the address %v, want the client's", e.RemoteAddr)
		}
		if logged := strings.Contains(log.String(), "remote_addr=2001:db8::7"); logged != tt.logged || log.Len() == 0 {
			t.Errorf("%s: the log says %q, want the address there: %t", e.Outcome, log.String(), tt.logged)
		}
	}
	r := httptest.NewRequest("GET", "/connect/token", nil) // refused before anything is read
	r.RemoteAddr = "192.0.2.1:4711"
	serve(h, r)
	if e := seen[len(seen)-1]; e.RemoteAddr != netip.MustParseAddr("192.0.2.1") || e.Network.IsValid() {
		t.Errorf("the event has the address %v and the network %v, want that of the connection, and none", e.RemoteAddr, e.Network)
	}
}

// The line about a 429 says which limit it was, and what an operator can do.
func TestALimitedRequestNamesItsLimit(t *testing.T) {
	proxies := tokenendpoint.TrustedProxies("X-Forwarded-For", netip.MustParsePrefix("10.0.0.0/8"))
	wait := func(context.Context, tokenendpoint.Attempt) (time.Duration, func(context.Context), error) {
		return time.Minute, nil, nil
	}
	one := func(int) string { return "c1" }
	for name, tt := range map[string]struct {
		change func(*tokenendpoint.Config)
		id     func(i int) string
		want   []string
	}{
		"a client": {func(*tokenendpoint.Config) {}, one, []string{
			"the client has failed too often", "300 at once, then one in 1s", "Config.Limiter", "Then set Config.RemoteAddr", "remote_addr=10.0.0.1",
		}},
		"a client, with RemoteAddr": {func(c *tokenendpoint.Config) { c.RemoteAddr = proxies }, one, []string{
			"the client has failed too often", "300 at once, then one in 1s", "Config.Limiter", "does not know that proxy", "remote_addr=192.0.2.7",
		}},
		"a network": {func(*tokenendpoint.Config) {}, strconv.Itoa, []string{
			"with clients of every name", "300 at once, then one in 1s", "Then set Config.RemoteAddr", "no such client",
		}},
		"the host's own": {func(c *tokenendpoint.Config) { c.Limiter = tokenendpoint.LimiterFunc(wait) }, one, []string{
			"Config.Limiter lets the client wait", "Then set Config.RemoteAddr",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			c := goodConfig(t)
			c.Logger = slog.New(slog.NewTextHandler(&log, nil))
			tt.change(&c)
			aClient(t, c)
			h := newHandler(t, c)
			for i := range 310 {
				log.Reset()
				r := asked(tt.id(i), "wrong", "grant_type=client_credentials")
				r.RemoteAddr = "10.0.0.1:4711"
				r.Header.Set("X-Forwarded-For", "192.0.2.7")
				serve(h, r)
			}
			for _, want := range append(tt.want, "status=429") {
				if !strings.Contains(log.String(), want) {
					t.Errorf("the log says %q, want %q", log.String(), want)
				}
			}
		})
	}
}
