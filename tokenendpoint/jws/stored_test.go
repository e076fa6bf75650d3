package jws_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"log/slog"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// kek returns a key-encryption key of which all bytes are the version.
func kek(version int) jws.KeyEncryptionKey { return kekOf(version, version) }

// kekOf returns a key-encryption key of which all bytes are b.
func kekOf(version, b int) jws.KeyEncryptionKey {
	return must(jws.ParseKeyEncryptionKey(version, base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{byte(b)}, 32))))
}

func stored(store storage.SigningKeys, versions ...int) *jws.StoredKeys {
	return storedEvery(0, store, versions...)
}

// storedEvery is stored with a Period.
func storedEvery(period time.Duration, store storage.SigningKeys, versions ...int) *jws.StoredKeys {
	if len(versions) == 0 {
		versions = []int{1}
	}
	c := jws.StoredKeysConfig{Store: store, Period: period}
	for _, v := range versions {
		c.KeyEncryptionKeys = append(c.KeyEncryptionKeys, kek(v))
	}
	return must(jws.NewStoredKeys(c))
}

// quiet is a Rotation that does not log.
var quiet = jws.Rotation{Logger: slog.New(slog.DiscardHandler)}

func open(t testing.TB, source jws.KeySource, r jws.Rotation, at time.Time) *jws.KeySet {
	t.Helper()
	s, err := jws.OpenKeySet(t.Context(), source, r, at)
	if err != nil {
		t.Fatalf("OpenKeySet = %v, want no error", err)
	}
	return s
}

const (
	day = 24 * time.Hour
	// storeTime is how long after it was made a key counts as announced.
	storeTime = 5 * time.Second
)

// In the bubbles time passes only when a test sleeps, so that the date of a key is exact.

func TestStoredKeysTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(shelf)
		source := stored(store)
		r := quiet
		s := open(t, source, r, start)
		first := store.ids()[0]
		signsWith(t, "the first key, at once", s, start, first)
		if want := []string{"list", "create"}; !slices.Equal(store.took(), want) {
			t.Errorf("the start takes other calls than %q", want)
		}
		signsWith(t, "the first key, while it is fresh", s, start.Add(r.Reload()-1), first)
		if calls := store.took(); calls != nil {
			t.Errorf("a fresh key takes %q, want nothing", calls)
		}
		signsWith(t, "the first key, before Period", s, start.Add(30*day-1), first)
		if want, got := []string{"list"}, store.took(); !slices.Equal(got, want) {
			t.Errorf("a reload takes %q, want %q", got, want)
		}
		// The KeySet has just loaded, and looks again when Reload has passed.
		made := start.Add(30*day - 1 + r.Reload())
		signsWith(t, "the first key, while the second is new", s, made, first)
		publishes(t, "the second key, after Period", s, made, store.ids()...)
		if got, want := store.turns(), []int64{1, 2}; !slices.Equal(got, want) {
			t.Fatalf("turns = %v, want %v", got, want)
		}
		announced := store.rows[1].AnnouncedAt
		if want := made.Add(storeTime).Truncate(time.Microsecond); announced != want {
			t.Errorf("the second key is announced at %s, want %s", announced, want)
		}
		second := store.ids()[1]
		signs := announced.Add(r.Lead())
		signsWith(t, "the first key, until Lead", s, signs.Add(-1), first)
		signsWith(t, "the second key, after Lead", s, signs, second)
		end := signs.Add(r.Keep())
		publishes(t, "both keys, until Keep", s, end.Add(-time.Minute), first, second)
		store.took()
		publishes(t, "the second key alone, after Keep", s, end, second)
		if got, want := store.took(), []string{"list", "delete"}; !slices.Equal(got, want) {
			t.Errorf("the end of the first key takes %q, want %q", got, want)
		}
		if got, want := store.turns(), []int64{2}; !slices.Equal(got, want) {
			t.Errorf("turns = %v, want %v", got, want)
		}
		publishes(t, "a replica that is started", open(t, stored(store), r, end), end, second)
	})
}

func TestStoredKeysOfEachAlgorithm(t *testing.T) {
	store := new(shelf)
	at := start
	forever := jws.Rotation{TokenLifetime: 365 * day}
	var want []string
	for _, algorithm := range append([]string{""}, algorithms...) {
		source := must(jws.NewStoredKeys(jws.StoredKeysConfig{
			Store: store, KeyEncryptionKeys: []jws.KeyEncryptionKey{kek(1)}, Algorithm: algorithm, Period: time.Hour,
		}))
		s := open(t, source, forever, at)
		if algorithm == "" {
			algorithm = jws.ES256
		}
		want = append(want, algorithm)
		verifyGoJose(t, must(s.Sign(t.Context(), jws.TypeJWT, []byte(payload), at)), s.SigningKey(at).Algorithm(), publicKeyOf(t, s, at))
		at = at.Add(2 * time.Hour)
	}
	s := open(t, stored(store), forever, at.Add(-2*time.Hour))
	var got []string
	for _, k := range parseJWKS(t, s.JWKS()).Keys {
		got = append(got, k["alg"].(string))
	}
	if !slices.Equal(got, want) {
		t.Errorf("the algorithms of the keys are %q, want %q", got, want)
	}
}

func TestReplicasAgreeOnEachKey(t *testing.T) {
	store := new(shelf)
	for round := range 5 {
		at := start.Add(time.Duration(round) * 40 * day)
		sets := make([]*jws.KeySet, 32)
		var crowd sync.WaitGroup
		for i := range sets {
			crowd.Go(func() {
				var err error
				if sets[i], err = jws.OpenKeySet(t.Context(), stored(store), quiet, at); err != nil {
					t.Errorf("OpenKeySet = %v, want no error", err)
				}
			})
		}
		crowd.Wait()
		if t.Failed() {
			return
		}
		if got := store.turns()[len(store.turns())-1]; got != int64(round+1) {
			t.Fatalf("the newest turn is %d, want %d: one key is made", got, round+1)
		}
		for _, s := range sets {
			if a, b := sets[0].JWKS(), s.JWKS(); !bytes.Equal(a, b) {
				t.Fatalf("two replicas publish\n%s\n%s", a, b)
			}
			if a, b := sets[0].SigningKey(at).ID(), s.SigningKey(at).ID(); a != b {
				t.Fatalf("two replicas sign with %s and %s", a, b)
			}
		}
	}
}

// wantFaults asserts that an error has one line for each fault, and shows no key.
func wantFaults(t testing.TB, call string, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("%s = nil, want an error", call)
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != len(want) {
		t.Fatalf("%s = %v, want %d faults", call, err, len(want))
	}
	for i, want := range want {
		if !strings.HasPrefix(lines[i], "jws: ") || !strings.Contains(lines[i], want) {
			t.Errorf("fault %d = %q, want jws: … %s", i, lines[i], want)
		}
		if strings.Contains(lines[i], "BwcHBw") || strings.Contains(lines[i], "correct") {
			t.Errorf("fault %d = %q shows the key", i, lines[i])
		}
	}
}

func TestNewStoredKeysRefuses(t *testing.T) {
	one := []jws.KeyEncryptionKey{kek(1)}
	for _, tt := range []struct {
		name string
		c    jws.StoredKeysConfig
		want []string
	}{
		{"nothing at all", jws.StoredKeysConfig{}, []string{"KeyEncryptionKeys is empty", "Store is nil"}},
		{"a short period", jws.StoredKeysConfig{Store: new(shelf), KeyEncryptionKeys: one, Period: time.Second - 1}, []string{"Period is below 1s"}},
		{"a negative period", jws.StoredKeysConfig{Store: new(shelf), KeyEncryptionKeys: one, Period: -day}, []string{"Period is below 1s"}},
		{"HS256", jws.StoredKeysConfig{Store: new(shelf), KeyEncryptionKeys: one, Algorithm: "HS256"}, []string{"Algorithm is none of"}},
		{"key-encryption keys", jws.StoredKeysConfig{Store: new(shelf), KeyEncryptionKeys: []jws.KeyEncryptionKey{
			kek(1), {}, kekOf(1, 7), kek(2),
		}}, []string{"1: it was not made by ParseKeyEncryptionKey", "2: the version is given twice"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			source, err := jws.NewStoredKeys(tt.c)
			if source != nil {
				t.Errorf("NewStoredKeys = %v, want nil", source)
			}
			wantFaults(t, "NewStoredKeys", err, tt.want...)
		})
	}
}

func TestZeroSourcesHaveNoKeys(t *testing.T) {
	for _, source := range []jws.KeySource{new(jws.StoredKeys), (*jws.StoredKeys)(nil), new(jws.FileKeys), (*jws.FileKeys)(nil)} {
		if set, err := jws.OpenKeySet(t.Context(), source, quiet, start); err == nil || set != nil {
			t.Errorf("OpenKeySet with %#v = %v, %v, want an error", source, set, err)
		}
	}
}

func TestParseKeyEncryptionKeyRefuses(t *testing.T) {
	good := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
	tooHigh := math.MaxInt32
	tooHigh++ // in 32 bits it is too low
	for _, tt := range []struct {
		version int
		text    string
		want    []string
	}{
		{1, "", []string{"the text is not 32 bytes"}},
		{0, good, []string{"the version is not from 1"}},
		{tooHigh, good, []string{"the version is not from 1"}},
		{4, strings.Repeat("A", 43) + "=", []string{"nothing but zeros"}},
		{5, base64.StdEncoding.EncodeToString(make([]byte, 31)), []string{"the text is not 32 bytes"}},
		{6, base64.StdEncoding.EncodeToString(make([]byte, 33)), []string{"the text is not 32 bytes"}},
		{7, good[:42] + "!=", []string{"the text is not 32 bytes"}},
		{-8, "correct horse battery staple", []string{"the version is not from 1", "the text is not 32 bytes"}},
	} {
		t.Run(fmt.Sprint(tt.version), func(t *testing.T) {
			_, err := jws.ParseKeyEncryptionKey(tt.version, tt.text)
			wantFaults(t, "ParseKeyEncryptionKey", err, tt.want...)
		})
	}
}

func TestKeyEncryptionKeyIsReadInEachBase64(t *testing.T) {
	key := bytes.Repeat([]byte{0xfb, 0xff}, 16)
	store := new(shelf)
	for name, text := range map[string]string{
		"standard": base64.StdEncoding.EncodeToString(key), "without padding": base64.RawStdEncoding.EncodeToString(key),
		"URL": base64.URLEncoding.EncodeToString(key), "URL without padding": base64.RawURLEncoding.EncodeToString(key),
		"with the end of a line": base64.StdEncoding.EncodeToString(key) + "\n",
	} {
		kek, err := jws.ParseKeyEncryptionKey(3, text)
		if err != nil {
			t.Errorf("%s: ParseKeyEncryptionKey = %v, want no error", name, err)
			continue
		}
		source := must(jws.NewStoredKeys(jws.StoredKeysConfig{Store: store, KeyEncryptionKeys: []jws.KeyEncryptionKey{kek}}))
		if _, err := jws.OpenKeySet(t.Context(), source, quiet, start); err != nil {
			t.Errorf("%s: OpenKeySet = %v, want no error", name, err)
		}
	}
	if got := store.turns(); len(got) != 1 {
		t.Errorf("turns = %v, want one: all spellings are one key", got)
	}
}

// leaks prints v in all ways and looks for bytes in it.
func leaks(t *testing.T, v any, secret []byte) {
	t.Helper()
	decimal, hex := fmt.Sprint(secret[:4]), fmt.Sprintf("%x", secret[:6])
	spellings := []string{decimal[1 : len(decimal)-1], fmt.Sprintf("%#x", secret[0]) + fmt.Sprintf(", %#x", secret[1]), hex,
		base64.StdEncoding.EncodeToString(secret[:9]), fmt.Sprintf("%x", base64.StdEncoding.EncodeToString(secret[:9]))}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		got := fmt.Sprintf(verb, v)
		for _, spelling := range spellings {
			if strings.Contains(strings.ToLower(got), strings.ToLower(spelling)) {
				t.Errorf("%s of %T shows a key, %s: %s", verb, v, spelling, got)
			}
		}
	}
}

func TestSourcesDoNotPrint(t *testing.T) {
	keks := []jws.KeyEncryptionKey{kek(200)}
	c := jws.StoredKeysConfig{Store: new(shelf), KeyEncryptionKeys: keks, Algorithm: jws.EdDSA}
	source := must(jws.NewStoredKeys(c))
	file := keyFile(t, pkcs8(edKey()))
	open(t, source, quiet, start) // so that there is something to show
	open(t, file, quiet, start)
	keys := must(source.Keys(t.Context(), quiet, start))
	type host struct {
		source *jws.StoredKeys
		file   *jws.FileKeys
		kek    jws.KeyEncryptionKey
	}
	for _, v := range []any{source, *source, c, keks, keks[0], &keks[0], host{source, file.FileKeys, keks[0]}, file.FileKeys, *file.FileKeys} {
		leaks(t, v, bytes.Repeat([]byte{200}, 32))
		leaks(t, v, keys[0].Signer.(ed25519.PrivateKey))
		leaks(t, v, edKey())
	}
}

func TestStoredKeysAreNotShared(t *testing.T) {
	store := new(shelf)
	keks := []jws.KeyEncryptionKey{kek(1)}
	source := must(jws.NewStoredKeys(jws.StoredKeysConfig{Store: store, KeyEncryptionKeys: keks}))
	keks[0] = kek(9) // the caller reuses its slice
	s := open(t, source, quiet, start)
	want := store.rows[0].Clone()
	at := start.Add(time.Hour)
	signsWith(t, "after the caller has changed its slice", s, at, want.ID)
	if !reflect.DeepEqual(store.rows[0], want) {
		t.Error("the row was written to")
	}
}

func publicKeyOf(t testing.TB, s *jws.KeySet, at time.Time) any {
	t.Helper()
	id := s.SigningKey(at).ID()
	for _, k := range joseKeys(t, s.JWKS()).Keys {
		if k.KeyID == id {
			return k.Key
		}
	}
	t.Fatalf("the JWKS lacks %s", id)
	return nil
}
