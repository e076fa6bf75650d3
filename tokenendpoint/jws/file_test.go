package jws_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/tokenendpoint/jws"
)

// names returns the numbers of numbered keys.
func names(t testing.TB, f jws.KeySource, at time.Time) string {
	t.Helper()
	keys, err := f.Keys(t.Context(), jws.Rotation{}, at)
	if err != nil {
		t.Fatalf("Keys = %v, want no error", err)
	}
	var got []string
	for _, k := range keys {
		got = append(got, strings.TrimPrefix(described(k), "private "))
	}
	return strings.Join(got, " ")
}

func TestFileIsReadWhenItHasChanged(t *testing.T) {
	one, two := pkcs8(numbered(1)), pkcs8(numbered(2)) // of one size
	f := keyFile(t, one)
	info := must(os.Stat(f.Path))
	is := func(want string) {
		t.Helper()
		if got := names(t, f, start); got != want {
			t.Errorf("Keys = %s, want %s", got, want)
		}
	}
	is("1")
	write(t, f.Path, two) // within the file, and with the time of before
	is("1")               // which shows that it is not read
	touched := start.Add(-time.Minute)
	if err := os.Chtimes(f.Path, touched, touched); err != nil {
		t.Fatal(err)
	}
	is("2")
	next := write(t, f.Path+".next", one)
	if err := os.Chtimes(next, touched, touched); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, f.Path); err != nil {
		t.Fatal(err)
	}
	is("1") // same size and time, and yet another file
	write(t, f.Path, one+two)
	if err := os.Chtimes(f.Path, touched, touched); err != nil {
		t.Fatal(err)
	}
	is("1 2") // another size
	if info.Size() != int64(len(two)) {
		t.Fatal("the two keys are of two sizes: the first step has shown nothing")
	}
}

func TestFileThatIsNewIsReadAgain(t *testing.T) {
	f := keyFile(t, pkcs8(numbered(1)))
	for _, age := range []time.Duration{0, time.Second, -time.Hour} {
		at := start.Add(-age)
		for _, n := range []byte{1, 2} {
			write(t, f.Path, pkcs8(numbered(n)))
			if err := os.Chtimes(f.Path, at, at); err != nil {
				t.Fatal(err)
			}
			if got, want := names(t, f, start), fmt.Sprint(n); got != want {
				t.Errorf("%s after the file was written: Keys = %s, want %s", age, got, want)
			}
		}
	}
}

// mount lays a secret out as a kubelet does: its files are links through a
// directory that is swapped for another in one step.
func mount(t testing.TB, dir, version string, files map[string]string) {
	t.Helper()
	steps := []error{os.Mkdir(filepath.Join(dir, ".."+version), 0o700)}
	for name, text := range files {
		write(t, filepath.Join(dir, ".."+version, name), text)
		if _, err := os.Lstat(filepath.Join(dir, name)); err != nil {
			steps = append(steps, os.Symlink(filepath.Join("..data", name), filepath.Join(dir, name)))
		}
	}
	steps = append(steps, os.Symlink(".."+version, filepath.Join(dir, "..data_tmp")),
		os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
	for _, name := range must(filepath.Glob(filepath.Join(dir, "[^.]*"))) {
		if _, err := os.Stat(name); err != nil { // a link to a file of the version before
			steps = append(steps, os.Remove(name))
		}
	}
	for _, err := range steps {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestMountedSecret(t *testing.T) {
	dir := t.TempDir()
	f := keysAt(t, filepath.Join(dir, "*"))
	one, two := pkcs8(numbered(1)), pkcs8(numbered(2))
	for _, tt := range []struct {
		version string
		files   map[string]string
		want    string
	}{
		{"2026_07", map[string]string{"2026-07.pem": two}, "2"},
		{"2026_08", map[string]string{"2026-07.pem": two, "2026-08.pem": one}, "2 1"},
		{"2026_08b", map[string]string{"2026-07.pem": pkix(numbered(2)), "2026-08.pem": one}, "public 2 1"},
		{"2026_09", map[string]string{"2026-08.pem": one}, "1"},
		{"2026_10", map[string]string{"2026-08.pem": two}, "2"}, // of the same name and size, written in the same second
	} {
		mount(t, dir, tt.version, tt.files)
		if got := names(t, f, start); got != tt.want {
			t.Errorf("version %s: Keys = %s, want %s", tt.version, got, tt.want)
		}
	}
}

func TestFilesComeInTheOrderOfTheirNames(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"b.pem": pkcs8(numbered(1)), "a.pem": pkcs8(edKey()) + pkcs8(numbered(2)), "c.pem": jwk(ecKey(), "", "", ""),
		"d.txt": "not a key", ".hidden.pem": "not a key either",
	} {
		write(t, filepath.Join(dir, name), text)
	}
	f := keysAt(t, filepath.Join(dir, "*.pem"))
	if got, want := names(t, f, start), "ed 2 1 ec"; got != want {
		t.Errorf("Keys = %s, want %s", got, want)
	}
	write(t, filepath.Join(dir, ".hidden.pem"), pkcs8(numbered(1)))
	f = keysAt(t, filepath.Join(dir, ".*.pem"))
	if got, want := names(t, f, start), "1"; got != want {
		t.Errorf("Keys of a pattern with a dot = %s, want %s", got, want)
	}
}

func TestFileKeysRefuses(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "large"), pkcs8(numbered(1))+strings.Repeat("\n", 256<<10))
	for i := range 101 {
		write(t, filepath.Join(dir, fmt.Sprintf("many-%d", i)), pkcs8(numbered(byte(i))))
	}
	write(t, filepath.Join(dir, "bad-1"), "x")
	write(t, filepath.Join(dir, "bad-2"), pkcs8(numbered(1)))
	write(t, filepath.Join(dir, "bad-3"), "")
	for _, tt := range []struct {
		name, path string
		want       []string // each line of the error
	}{
		{"no path", "", []string{"FileKeysConfig.Path is missing"}},
		{"a pattern that is none", "keys/[a", []string{"FileKeysConfig.Path is missing or not a pattern"}},
		{"a file that is not there", dir + "/none.pem", []string{"none.pem: stat: no such file or directory"}},
		{"a pattern that nothing matches", dir + "/*.jwk", []string{"no file matches"}},
		{"a directory", dir, []string{dir + ": it is not a regular file"}},
		{"a device", os.DevNull, []string{"it is not a regular file"}},
		{"a file that is too large", dir + "/large", []string{"large: it is over 262144 bytes"}},
		{"too many files", dir + "/many-*", []string{"over 100 files"}},
		{"every fault at once", dir + "/bad-*", []string{"bad-1: it is cut short", "bad-3: there is no key"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			source, err := jws.NewFileKeys(jws.FileKeysConfig{Path: tt.path})
			if err == nil {
				var set *jws.KeySet
				if set, err = jws.OpenKeySet(t.Context(), source, jws.Rotation{}, start); err == nil || set != nil {
					t.Fatalf("OpenKeySet = %v, %v, want an error", set, err)
				}
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(tt.want) {
				t.Fatalf("OpenKeySet = %v, want %d faults", err, len(tt.want))
			}
			for i, want := range tt.want {
				if !strings.HasPrefix(lines[i], "jws: ") || !strings.Contains(lines[i], want) {
					t.Errorf("fault %d = %q, want jws: … %s", i, lines[i], want)
				}
			}
		})
	}
}

// The procedure in the documentation of FileKeys, step by step.
func TestChangeOfAKeyInAFile(t *testing.T) {
	old, next := kid(numbered(1)), kid(numbered(2))
	r := jws.Rotation{}
	f := keyFile(t, pkcs8(numbered(1)))
	open := func(at time.Time) *jws.KeySet {
		t.Helper()
		set, err := jws.OpenKeySet(t.Context(), keysAt(t, f.Path), r, at)
		if err != nil {
			t.Fatalf("OpenKeySet = %v, want no error", err)
		}
		return set
	}
	running := open(start)
	added := start.Add(time.Hour)
	write(t, f.Path, pkcs8(numbered(1))+pkcs8(numbered(2)))
	for _, tt := range []struct {
		name string
		set  *jws.KeySet
		at   time.Time
		want string
	}{
		{"a process that runs signs with the old key at first", running, added, old},
		{"a process that runs signs with the old key before Lead has passed", running, added.Add(r.Lead() - 1), old},
		{"a process that runs signs with the new key when Lead has passed", running, added.Add(r.Lead()), next},
		{"a process that is started begins with the old key", open(added.Add(time.Minute)), added.Add(r.Lead()), old},
	} {
		signsWith(t, tt.name, tt.set, tt.at, tt.want)
		publishes(t, tt.name, tt.set, tt.at, old, next)
	}
	late := open(added.Add(r.Lead()))
	replaced := added.Add(2 * r.Lead())
	write(t, f.Path, pkix(numbered(1))+pkcs8(numbered(2)))
	for name, set := range map[string]*jws.KeySet{"a process that runs": running, "a process of just before": late, "a process that is started": open(replaced)} {
		signsWith(t, name, set, replaced, next)
		publishes(t, name, set, replaced, old, next)
	}
	gone := replaced.Add(r.Keep())
	write(t, f.Path, pkcs8(numbered(2)))
	publishes(t, "a process that runs, after the old key is gone", running, gone, old, next)
	publishes(t, "the same, after Keep", running, gone.Add(r.Keep()), next)
	publishes(t, "a process that is started", open(gone), gone, next)
}

func TestFileReplacedByOneWithANewKey(t *testing.T) {
	old, next := kid(numbered(1)), kid(numbered(2))
	r := jws.Rotation{}
	f := keyFile(t, pkcs8(numbered(1)))
	running := must(jws.OpenKeySet(t.Context(), f, r, start))
	write(t, f.Path, " "+pkcs8(numbered(2)))
	at := start.Add(time.Minute)
	signsWith(t, "a process that runs", running, at, old)
	publishes(t, "a process that runs", running, at, old, next)
	signsWith(t, "a process that runs, after Lead", running, at.Add(r.Lead()), next)
	fresh := must(jws.OpenKeySet(t.Context(), keysAt(t, f.Path), r, at))
	signsWith(t, "a process that is started", fresh, at, next)
	publishes(t, "a process that is started", fresh, at, next)
}

func TestBrokenFileLeavesTheKeysThatThereAre(t *testing.T) {
	r := jws.Rotation{Logger: slog.New(slog.DiscardHandler)}
	f := keyFile(t, pkcs8(numbered(1)))
	set := must(jws.OpenKeySet(t.Context(), f, r, start))
	write(t, f.Path, pkcs8(numbered(1))+"-----BEGIN PRIVATE KEY-----\n")
	at := start.Add(time.Minute)
	signsWith(t, "a half-written file", set, at, kid(numbered(1)))
	write(t, f.Path, pkcs8(numbered(1))+pkcs8(numbered(2)))
	at = at.Add(time.Minute)
	publishes(t, "the whole file", set, at, kid(numbered(1)), kid(numbered(2)))
}

// One file of several that cannot be read takes away neither the others nor its own
// last keys.
func TestBrokenFileAmongOthers(t *testing.T) {
	var log bytes.Buffer
	r := jws.Rotation{Logger: slog.New(slog.NewTextHandler(&log, nil))}
	dir := t.TempDir()
	first, second, third := filepath.Join(dir, "1.pem"), filepath.Join(dir, "2.pem"), filepath.Join(dir, "3.pem")
	write(t, first, pkcs8(numbered(1)))
	write(t, second, pkcs8(numbered(2)))
	f := keysAt(t, filepath.Join(dir, "*.pem"))
	set := open(t, f, r, start)
	write(t, second, "garbage")
	write(t, third, "garbage")
	for at := start; at.Before(start.Add(day)); at = at.Add(5 * time.Minute) {
		want := kid(numbered(1))
		if !at.Before(start.Add(r.Lead())) {
			want = kid(numbered(2))
		}
		signsWith(t, at.Sub(start).String(), set, at, want)
	}
	publishes(t, "with two broken files", set, start.Add(day), kid(numbered(1)), kid(numbered(2)))
	if n := strings.Count(log.String(), "level=ERROR"); n != 1 || !strings.Contains(log.String(), "3.pem") {
		t.Errorf("the log has %d errors, want one that names the files: %s", n, &log)
	}
	if _, err := jws.OpenKeySet(t.Context(), keysAt(t, f.Path), r, start); err == nil || !strings.Contains(err.Error(), "2.pem") {
		t.Errorf("OpenKeySet with a broken file = %v, want an error that names it", err)
	}
	write(t, third, pkcs8(numbered(2)))
	if err := os.Remove(second); err != nil {
		t.Fatal(err)
	}
	if got := names(t, f, start.Add(day)); got != "1 2" {
		t.Errorf("when one is whole and one is gone, Keys = %s, want 1 2", got)
	}
	write(t, first, "garbage")
	write(t, third, "garbage")
	if keys, err := f.Keys(t.Context(), r, start.Add(day)); err == nil {
		t.Errorf("when no file can be read, Keys = %v, want an error", keys)
	}
}

// signsWith checks which key signs, in the token.
func signsWith(t testing.TB, name string, s *jws.KeySet, at time.Time, want string) {
	t.Helper()
	token, err := s.Sign(t.Context(), jws.TypeJWT, []byte(payload), at)
	if err != nil {
		t.Errorf("%s: Sign = %v, want no error", name, err)
		return
	}
	if _, header, _, _ := split(t, token); header["kid"] != want {
		t.Errorf("%s: signs with %v, want %s", name, header["kid"], want)
	}
}

// publishes checks which keys there are to verify with.
func publishes(t testing.TB, name string, s *jws.KeySet, at time.Time, want ...string) {
	t.Helper()
	for _, id := range want {
		if _, err := s.PublicKey(t.Context(), id, at); err != nil {
			t.Errorf("%s: PublicKey(%s) = %v, want no error", name, id, err)
		}
	}
	var got []string
	for _, k := range parseJWKS(t, s.JWKS()).Keys {
		got = append(got, k["kid"].(string))
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: the JWKS has %q, want %q", name, got, want)
	}
}
