package main

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/crypto/bcrypt"
)

// The tokens and secrets of demo.sql.
const (
	laptop         = "np_0123456789abcdef0123456789abcdef01234567"
	revokedToken   = "np_1123456789abcdef0123456789abcdef01234567"
	expiredToken   = "np_2123456789abcdef0123456789abcdef01234567"
	reportSecret   = "7c1f0a5e93b24d68"
	calendarSecret = "5b8e2d40a7196cf3"
	spammerSecret  = "e0a94c7b5d8213f6"
)

// useDatabase names the database of the tests to the program.
func useDatabase(t *testing.T) {
	t.Helper()
	dsn := os.Getenv("OAUTH_TEST_POSTGRES")
	if dsn == "" {
		t.Skip("NOT TESTED: needs PostgreSQL: set OAUTH_TEST_POSTGRES to the data source name of one for tests (storage/integration/servers starts one)")
	}
	t.Setenv("DATABASE_URL", dsn)
}

// running is a site that serves, over tables of its own.
type running struct {
	*testing.T
	*site
	settings *settings
}

// open opens a site whose passwords are hashed with the least work.
func open(t *testing.T, args ...string) *running {
	t.Helper()
	site := openDemo(t, args...)
	for _, name := range []string{"ada", "bob"} {
		hash, err := bcrypt.GenerateFromPassword([]byte(name+"'s password"), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		site.sql(`UPDATE users SET password_hash = $1 WHERE email = $2`, hash, name+"@example.com")
	}
	return site
}

func openDemo(t *testing.T, args ...string) *running {
	t.Helper()
	useDatabase(t)
	s, err := readSettings(append(args, "-demo"))
	if err != nil {
		t.Fatal(err)
	}
	drop, err := s.makeDemo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(drop)
	pool, err := pgxpool.NewWithConfig(t.Context(), s.database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	server := httptest.NewUnstartedServer(nil)
	s.url = "http://" + server.Listener.Addr().String()
	site, err := newSite(t.Context(), pool, s, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(site.Close)
	server.Config.Handler = site
	server.Start()
	t.Cleanup(server.Close)
	return &running{t, site, s}
}

// sql changes the database as the back office might.
func (r *running) sql(statement string, args ...any) {
	r.Helper()
	if _, err := r.pool.Exec(r.Context(), statement, args...); err != nil {
		r.Fatalf("%s: %v", statement, err)
	}
}

func (r *running) count(query string, args ...any) (n int) {
	r.Helper()
	if err := r.pool.QueryRow(r.Context(), query, args...).Scan(&n); err != nil {
		r.Fatalf("%s: %v", query, err)
	}
	return n
}

// answer is the answer to a client.
type answer struct {
	status int
	header http.Header
	body   string
	fields map[string]any
}

func (r *running) send(request *http.Request) answer {
	r.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		r.Fatal(err)
	}
	a := answer{status: response.StatusCode, header: response.Header, body: string(body)}
	_ = json.Unmarshal(body, &a.fields) // a page has none
	return a
}

// token asks the token endpoint.
func (r *running) token(form url.Values, change func(*http.Request)) answer {
	r.Helper()
	request, err := http.NewRequestWithContext(r.Context(), http.MethodPost, r.url+"/connect/token", strings.NewReader(form.Encode()))
	if err != nil {
		r.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if change != nil {
		change(request)
	}
	return r.send(request)
}

// me asks the API with an access token.
func (r *running) me(accessToken string) answer {
	r.Helper()
	request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, r.url+"/api/me", nil)
	if err != nil {
		r.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+accessToken)
	return r.send(request)
}
