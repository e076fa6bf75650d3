package jws_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/tokenendpoint/jws"
)

func TestRemoteHonoursMaxAge(t *testing.T) {
	for _, tt := range []struct {
		name   string
		header []string
		want   time.Duration
	}{
		{"nothing said", nil, 5 * time.Minute},
		{"max-age", []string{"Cache-Control", "public, max-age=600"}, 10 * time.Minute},
		{"in capitals, quoted", []string{"Cache-Control", `Public,MAX-AGE="600"`}, 10 * time.Minute},
		{"a short one", []string{"Cache-Control", "max-age=2"}, 2 * time.Second},
		{"zero", []string{"Cache-Control", "max-age=0"}, time.Second},
		{"a long one", []string{"Cache-Control", "max-age=31536000"}, time.Hour},
		{"one beyond numbers", []string{"Cache-Control", "max-age=99999999999999999999"}, time.Hour},
		{"a negative one", []string{"Cache-Control", "max-age=-1"}, 5 * time.Minute},
		{"no number", []string{"Cache-Control", "max-age=soon"}, 5 * time.Minute},
		{"the first of two", []string{"Cache-Control", "max-age=60, max-age=600"}, time.Minute},
		{"s-maxage is for others", []string{"Cache-Control", "s-maxage=60"}, 5 * time.Minute},
		{"no-store", []string{"Cache-Control", "no-cache, no-store, max-age=0, must-revalidate"}, 30 * time.Second},
		{"a cache kept it for half of it", []string{"Cache-Control", "max-age=600", "Age", "300"}, 5 * time.Minute},
		{"a cache kept it for longer", []string{"Cache-Control", "max-age=600", "Age", "700"}, time.Second},
		{"a cache kept it, and nothing said", []string{"Age", "700"}, 5 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &jwksServer{answer: saying(200, string(named(t, "k").JWKS()), tt.header...)}
				r := newRemote(t, s)
				wantKey(t, r, "k", "key")
				wantFetches(t, s, 1)
				time.Sleep(tt.want - 1)
				wantKey(t, r, "k", "key")
				wantFetches(t, s, 0)
				time.Sleep(time.Nanosecond)
				wantKey(t, r, "k", "key")
				wantFetches(t, s, 1)
			})
		})
	}
}

func TestRemoteRevalidates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &jwksServer{answer: publishing(mixed(t))}
		r := newRemote(t, s)
		key := wantKey(t, r, "next", "key")
		var statuses []int
		s.set(func(request *http.Request) (*http.Response, error) {
			response, err := publishing(mixed(t))(request)
			statuses = append(statuses, response.StatusCode)
			return response, err
		})
		for range 26 * 12 { // beyond the day after which keys that are not renewed end
			time.Sleep(5 * time.Minute)
			if again := wantKey(t, r, "next", "key"); again != key {
				t.Fatal("a key that is the same has another pointer")
			}
		}
		for _, status := range statuses {
			if status != http.StatusNotModified {
				t.Fatalf("the server answered %d, want 304 to a request with its ETag", status)
			}
		}
		wantFetches(t, s, 1+26*12)
	})
}

func TestRemotePointerFollowsTheKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &jwksServer{}
		r := newRemote(t, s)
		next := func(keys *jws.KeySet) *jws.PublicKey {
			t.Helper()
			s.set(saying(200, string(keys.JWKS()))) // no ETag
			time.Sleep(5 * time.Minute)
			return wantKey(t, r, "k", "key")
		}
		first := next(named(t, "k"))
		if again := next(newKeySet(t, jws.Key{Signer: ecKey()}, jws.Key{Public: edKey().Public(), ID: "k"})); again != first {
			t.Error("the same key among others has another pointer")
		}
		if other := next(newKeySet(t, jws.Key{Signer: ecKey(), ID: "k"})); other == first || other.Algorithm() != jws.ES256 {
			t.Error("another key with the same id is behind the old pointer")
		}
		rs := next(newKeySet(t, jws.Key{Signer: rsaKey(), ID: "k"}))
		if ps := next(newKeySet(t, jws.Key{Signer: rsaKey(), ID: "k", Algorithm: jws.PS256})); ps == rs || ps.Algorithm() != jws.PS256 {
			t.Error("the same key with another algorithm is behind the old pointer")
		}
	})
}

func TestRemoteEmptySetIsAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &jwksServer{answer: publishing(named(t, "k"))}
		r := newRemote(t, s)
		wantKey(t, r, "k", "key")
		s.set(saying(200, `{"keys":[]}`))
		time.Sleep(5 * time.Minute)
		wantKey(t, r, "k", "unknown") // every key was withdrawn
	})
}

func TestRemoteLogsAnOutageOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		s := &jwksServer{answer: publishing(named(t, "k"))}
		r := newRemoteWith(t, s, slog.New(slog.NewTextHandler(&log, nil)))
		wantKey(t, r, "k", "key")
		s.set(down)
		for range 3 {
			time.Sleep(5 * time.Minute)
			wantKey(t, r, "k", "key")
		}
		s.set(saying(200, `{"keys":[{"kty":"oct","kid":"a","k":"c2VjcmV0"},`+string(named(t, "k").JWKS()[len(`{"keys":[`):])))
		for range 3 {
			time.Sleep(5 * time.Minute)
			wantKey(t, r, "k", "key")
		}
		var got []string
		for line := range strings.Lines(log.String()) {
			_, line, _ = strings.Cut(line, "level=")
			got = append(got, strings.TrimSpace(line))
		}
		want := []string{
			`ERROR msg="remote keys cannot be fetched" url=https://as.test/jwks.json cause="Get \"https://as.test/jwks.json\": connection refused" usable_until=2000-01-02T00:00:00.000Z`,
			`INFO msg="remote keys are fetched again" url=https://as.test/jwks.json`,
			`WARN msg="remote keys are unusable" url=https://as.test/jwks.json cause="key 0: it is private or symmetric: every reader of the key set can sign" keys=1`,
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("the log:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

func TestRemoteThatNeverFetchedLogsNoDate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		r := newRemoteWith(t, &jwksServer{answer: down}, slog.New(slog.NewTextHandler(&log, nil)))
		wantKey(t, r, "k", "outage")
		if got := log.String(); !strings.Contains(got, "cannot be fetched") || strings.Contains(got, "usable_until") || strings.Contains(got, "0001-01-01") {
			t.Errorf("the log has %s, want no date up to which keys are usable: there are none", got)
		}
	})
}
