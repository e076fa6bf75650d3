package bearer_test

import (
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/storage/sqlstore"
	"github.com/contit/oauth/tokenendpoint/bearer"
	"github.com/contit/oauth/tokenendpoint/jws"
)

func TestNewRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*bearer.Config)
		want   []string // each fault
	}{
		{"nothing", func(c *bearer.Config) { *c = bearer.Config{} }, []string{"Issuer is missing", "Audience is missing", "Keys is nil"}},
		{"a nil *jws.KeySet", func(c *bearer.Config) { c.Keys = (*jws.KeySet)(nil) }, []string{"Keys is nil"}},
		{"a nil *jws.Remote", func(c *bearer.Config) { c.Keys = (*jws.Remote)(nil) }, []string{"Keys is nil"}},
		{"a zero *jws.KeySet", func(c *bearer.Config) { c.Keys = new(jws.KeySet) }, []string{"Keys was not made by"}},
		{"a zero *jws.Remote", func(c *bearer.Config) { c.Keys = new(jws.Remote) }, []string{"Keys was not made by"}},
		{"a zero cache", func(c *bearer.Config) { c.Revocations = new(bearer.CachedRevocations) }, []string{"Revocations was not made by"}},
		{"a nil store", func(c *bearer.Config) { c.Revocations = (*revocations)(nil) }, []string{"Revocations is a nil pointer"}},
		{"a zero store that only its constructor makes", func(c *bearer.Config) { c.Revocations = new(sqlstore.Store) }, []string{"Revocations: sqlstore: the store was not made by Open"}},
		{"a nil function", func(c *bearer.Config) { c.Revocations = bearer.RevocationsFunc(nil) }, []string{"Revocations is a nil pointer"}},
		{"a leeway over a minute", func(c *bearer.Config) { c.Leeway = time.Minute + 1 }, []string{"Leeway"}},
		{"a short timeout", func(c *bearer.Config) { c.Timeout = time.Second - 1 }, []string{"Timeout"}},
		{"a negative timeout", func(c *bearer.Config) { c.Timeout = -1 }, []string{"Timeout"}},
		{"a long timeout", func(c *bearer.Config) { c.Timeout = time.Minute + 1 }, []string{"Timeout"}},
		{"a large cache", func(c *bearer.Config) { c.CacheSize = 1<<20 + 1 }, []string{"CacheSize"}},
		{"another type", func(c *bearer.Config) { c.TokenType = "id_token" }, []string{"TokenType"}},
		{"a quote in the realm", func(c *bearer.Config) { c.Realm = `a"` }, []string{"Realm"}},
		{"a line break in the realm", func(c *bearer.Config) { c.Realm = "a\r\nSet-Cookie: b" }, []string{"Realm"}},
		{"a backslash in the realm", func(c *bearer.Config) { c.Realm = `a\` }, []string{"Realm"}},
		{"pages of errors that are at no URL", func(c *bearer.Config) { c.ErrorURI = "/docs" }, []string{"ErrorURI is not a URL"}},
		{"a quote in the URL of the pages", func(c *bearer.Config) { c.ErrorURI = `https://as.test/"` }, []string{"ErrorURI is not a URL"}},
		{"a page of an error that is overheard", func(c *bearer.Config) { c.ErrorURI = "http://as.test/docs" }, []string{"ErrorURI is http"}},
		{"a scope with a space", func(c *bearer.Config) { c.ScopesSupported = []string{"read", "a b"} }, []string{"ScopesSupported"}},
		{"every fault at once", func(c *bearer.Config) {
			*c = bearer.Config{Leeway: time.Hour, Timeout: time.Hour, CacheSize: 1 << 30, Realm: "é", TokenType: "x"}
		}, []string{"Leeway", "Timeout", "CacheSize", "Realm", "Issuer", "Audience", "Keys", "TokenType"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := bearer.Config{Issuer: issuer, Audience: audience, Keys: edKeys(t)}
			tt.change(&c)
			v, err := bearer.New(c)
			if err == nil || v != nil {
				t.Fatalf("New = %v, %v, want an error", v, err)
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(tt.want) {
				t.Fatalf("New reports %d faults, want %d: %v", len(lines), len(tt.want), err)
			}
			for i, want := range tt.want {
				if !strings.HasPrefix(lines[i], "bearer: ") || !strings.Contains(lines[i], want) {
					t.Errorf("fault %d = %q, want bearer: … %q", i, lines[i], want)
				}
			}
		})
	}
}

func TestNewTakes(t *testing.T) {
	for name, change := range map[string]func(*bearer.Config){
		"the least":                 func(c *bearer.Config) {},
		"the type of the endpoint":  func(c *bearer.Config) { c.TokenType = jws.TypeAccessToken },
		"the longest":               func(c *bearer.Config) { c.Leeway, c.Timeout, c.CacheSize = time.Minute, time.Minute, 1<<20 },
		"no leeway and no cache":    func(c *bearer.Config) { c.Leeway, c.CacheSize = -1, -1 },
		"a realm with a space":      func(c *bearer.Config) { c.Realm = "the shop" },
		"an issuer that is no URL":  func(c *bearer.Config) { c.Issuer = "issuer" },
		"a function for a store":    func(c *bearer.Config) { c.Revocations = bearer.RevocationsFunc(new(revocations).Revoked) },
		"a cache of less than four": func(c *bearer.Config) { c.CacheSize = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			v := newVerifier(t, edKeys(t), change)
			if name != "an issuer that is no URL" {
				wantVerdict(t, v, access(t, edKeys(t), good(start)), start, "good")
			}
		})
	}
}

func TestRequireTokenPanicsOnWhatIsNoScope(t *testing.T) {
	v := newVerifier(t, edKeys(t), nil)
	for _, scope := range []string{"", "a b", `a"`, `a\`, "a\n", "é"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("RequireToken(%q) did not panic", scope)
				}
			}()
			v.RequireToken("read", scope)
		}()
	}
}
