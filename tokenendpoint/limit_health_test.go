package tokenendpoint_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/tokenendpoint"
)

// A shared limit that fails is off for as long as nobody notices. The log has one
// line when it fails, and one when it is back.
func TestAFailingLimiterIsLoggedOnce(t *testing.T) {
	var log bytes.Buffer
	var down error
	c := goodConfig(t)
	c.Logger = slog.New(slog.NewTextHandler(&log, nil))
	c.Limiter = tokenendpoint.LimiterFunc(func(context.Context, tokenendpoint.Attempt) (time.Duration, func(context.Context), error) {
		return 0, nil, down
	})
	secret, h := aClient(t, c), newHandler(t, c)
	for _, step := range []struct {
		err  error
		want string
	}{
		{nil, ""}, {errors.New("redis is down"), "level=ERROR"}, {errors.New("redis is down"), ""}, {nil, "answers again"}, {nil, ""},
		{errors.New("down again"), "level=ERROR"},
	} {
		log.Reset()
		down = step.err
		token(t, ask(h, secret, "grant_type=client_credentials"))
		if got := log.String(); (got != "") != (step.want != "") || !strings.Contains(got, step.want) {
			t.Errorf("after %v the log says %q, want %q", step.err, got, step.want)
		}
	}
}

// The log of a refused guess names its address; without it, an operator cannot
// act. The log also names a RemoteAddr that finds nothing, since all clients
// then share one count.
func TestARefusedGuessNamesItsNetwork(t *testing.T) {
	var log bytes.Buffer
	var seen []netip.Prefix
	c := goodConfig(t)
	c.Logger = slog.New(slog.NewTextHandler(&log, nil))
	c.Observe = func(_ context.Context, e tokenendpoint.Event) { seen = append(seen, e.Network) }
	c.RemoteAddr = func(r *http.Request) netip.Addr {
		a, _ := netip.ParseAddr(r.Header.Get("X-Real-Ip"))
		return a
	}
	aClient(t, c)
	h := newHandler(t, c)
	send := func(realIP string) {
		r := asked("app", "wrong", "grant_type=client_credentials")
		r.RemoteAddr = "192.0.2.1:4711"
		r.Header.Set("X-Real-Ip", realIP)
		serve(h, r)
	}
	send("198.51.100.7")
	if !strings.Contains(log.String(), "network=198.51.100.7/32") || strings.Contains(log.String(), "RemoteAddr") {
		t.Errorf("the log says %q, want the network of the refused request, and no complaint", log.String())
	}
	send("unknown")
	send("")
	if n := strings.Count(log.String(), "Config.RemoteAddr returned no address"); n != 1 {
		t.Errorf("the log complains %d times of a RemoteAddr that finds nothing, want once:\n%s", n, log.String())
	}
	if want := netip.MustParsePrefix("198.51.100.7/32"); len(seen) != 3 || seen[0] != want || seen[1] != netip.MustParsePrefix("192.0.2.1/32") {
		t.Errorf("the events have the networks %v, want %v first, and then that of the connection", seen, want)
	}
}
