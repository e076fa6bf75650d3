package storagetest

import (
	"crypto/rand"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/contit/oauth/storage"
)

// now is the suite's present, with microseconds that a store must keep. It is
// the real one, because a store may let a record expire by its own clock.
func now() time.Time {
	return time.Now().UTC().Truncate(time.Second).Add(123456 * time.Microsecond)
}

func newDigest() storage.Digest {
	return storage.NewSecret("").Digest(storage.KindRefreshToken)
}

// newCredential returns a credential that is ready to be spent.
func newCredential() *storage.Credential {
	at := now()
	return &storage.Credential{
		Digest: newDigest(), Kind: storage.KindRefreshToken, Family: rand.Text(), Issuer: "https://as.test",
		ClientID: "client-" + rand.Text(), Subject: "alice", Scope: []string{"read", "write"},
		Audience: []string{"https://api.test"}, Claims: []byte(`{"tenant":"blue"}`),
		IssuedAt: at, ExpiresAt: at.Add(time.Hour), FamilyExpiresAt: at.Add(24 * time.Hour),
		MaxUses: 10,
	}
}

// successor returns the credential that follows from one.
func successor(c *storage.Credential) *storage.Credential {
	next := newCredential()
	next.Family, next.ClientID = c.Family, c.ClientID
	return next
}

// spending returns the record that the endpoint passes to Spend as old: the
// record as it was found, with a new salt.
func spending(found *storage.Credential) *storage.Credential {
	old := deepCopy(found)
	old.Salt = []byte(rand.Text())
	return old
}

// filledCredential returns a credential with a value in every field that a new
// one may have. Spend and Revoke give it the others.
func filledCredential(t *tester) *storage.Credential {
	t.Helper()
	c := new(storage.Credential)
	fill(t, c)
	c.PKCE, c.Claims = storage.PKCES256, []byte(`{"tenant": "blue", "b":1, "a":[1.50, 12345678901234567890]}`)
	c.Uses, c.SpentAt, c.Salt, c.Revoked = 0, time.Time{}, nil, false
	return c
}

// filledClient returns a client with a value in every field, which passes
// [storage.Client.Check].
func filledClient(t *tester) *storage.Client {
	t.Helper()
	c := new(storage.Client)
	fill(t, c)
	c.AuthMethod = "https://contit.test/method"     // it may use every field
	c.Assertion.JWKS, c.Assertion.JWKSURI = nil, "" // a third of ClientAssertion is set
	c.Assertion.Claims = []byte(`{"repository_id": "74", "b":1, "a":true}`)
	c.Certificate = storage.ClientCertificate{SANURI: "spiffe://contit.test/" + rand.Text(), Bound: true} // a client has one name
	c.Unvetted = false                                                                                    // no store needs to keep it
	for i := range c.RedirectURIs {
		c.RedirectURIs[i] = "https://app.test/" + c.RedirectURIs[i]
	}
	for i := range c.Secrets {
		c.Secrets[i].Hash = "test:" + c.Secrets[i].Hash
	}
	return c
}

// filledSigningKey returns a signing key with a value in every field, for a turn
// that nobody else has.
func filledSigningKey(t *tester) *storage.SigningKey {
	t.Helper()
	k := new(storage.SigningKey)
	fill(t, k)
	k.Turn, k.Sealed = newTurn(), []byte("sealed\x00\xff "+rand.Text())
	return k
}

// filledAPIKey returns an API key with a value in every field.
func filledAPIKey(t *tester) *storage.APIKey {
	t.Helper()
	k := new(storage.APIKey)
	fill(t, k)
	return k
}

// fill gives every field of a record a value that is not zero, by reflection,
// so that a field that is added one day is tested that day. All values but the
// bools differ, so that two columns that were swapped are seen.
func fill(t *tester, record any) {
	t.Helper()
	f := filler{t: t, start: now()}
	f.fill(reflect.ValueOf(record).Elem(), reflect.TypeOf(record).Elem().Name())
}

type filler struct {
	t     *tester
	start time.Time
	n     int
}

func (f *filler) fill(v reflect.Value, name string) {
	f.t.Helper()
	f.n++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(f.start.Add(time.Duration(f.n) * time.Hour)))
		return
	case time.Duration:
		v.SetInt(int64(time.Duration(f.n) * time.Minute))
		return
	case storage.Digest:
		v.Set(reflect.ValueOf(newDigest()))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(name + "-" + rand.Text())
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(f.n))
	case reflect.Uint8:
		v.SetUint('x')
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			f.fill(v.Index(i), fmt.Sprintf("%s.%d", name, i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f.fill(v.Field(i), name+"."+v.Type().Field(i).Name)
		}
	default:
		f.t.Fatalf("storagetest cannot fill %s, which is a %s: teach it", name, v.Type())
	}
}

// deepCopy returns a copy of a record that shares nothing with it. It does not
// rest on the Clone methods, since a store may rest on them.
func deepCopy[T any](record *T) *T {
	out := *record
	unshare(reflect.ValueOf(&out).Elem())
	return &out
}

func unshare(v reflect.Value) {
	switch {
	case v.Kind() == reflect.Slice && !v.IsNil():
		fresh := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(fresh, v)
		v.Set(fresh)
		for i := range v.Len() {
			unshare(v.Index(i))
		}
	case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]():
		for i := range v.NumField() {
			unshare(v.Field(i))
		}
	}
}

// scribble changes everything that can be reached from a record, in place.
func scribble(record any) { scribbleValue(reflect.ValueOf(record).Elem()) }

func scribbleValue(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString("scribbled")
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int, reflect.Int64:
		v.SetInt(v.Int() + 1)
	case reflect.Uint8:
		v.SetUint(v.Uint() ^ 0xff)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			scribbleValue(v.Index(i))
		}
	case reflect.Struct:
		if _, ok := v.Interface().(time.Time); ok {
			v.Set(reflect.ValueOf(time.Unix(1, 0)))
			return
		}
		for i := range v.NumField() {
			scribbleValue(v.Field(i))
		}
	}
}

// differences lists the fields in which two records differ, or nothing.
// Instants are compared as instants, and a nil slice is like an empty one:
// where the difference matters, a rule of its own looks at it.
func differences(got, want any) string {
	var b strings.Builder
	compare(&b, "", reflect.ValueOf(got).Elem(), reflect.ValueOf(want).Elem())
	return b.String()
}

func compare(b *strings.Builder, name string, got, want reflect.Value) {
	switch w := want.Interface().(type) {
	case time.Time:
		if g := got.Interface().(time.Time); !g.Equal(w) {
			fmt.Fprintf(b, "\n\t%s: got %v, want %v", name, g, w)
		}
		return
	case []byte:
		if g := got.Bytes(); string(g) != string(w) {
			fmt.Fprintf(b, "\n\t%s: got %s, want %s", name, show("%q", g), show("%q", w))
		}
		return
	}
	switch {
	case want.Kind() == reflect.Struct:
		for i := range want.NumField() {
			compare(b, strings.TrimPrefix(name+"."+want.Type().Field(i).Name, "."), got.Field(i), want.Field(i))
		}
	case want.Kind() == reflect.Slice && got.Len() == want.Len():
		for i := range want.Len() {
			compare(b, fmt.Sprintf("%s[%d]", name, i), got.Index(i), want.Index(i))
		}
	case !reflect.DeepEqual(got.Interface(), want.Interface()):
		verb := "%+v"
		if want.Kind() == reflect.String || want.Type() == reflect.TypeFor[[]string]() {
			verb = "%q"
		}
		fmt.Fprintf(b, "\n\t%s: got %s, want %s", name, show(verb, got), show(verb, want))
	}
}

// show prints a value of a record, and only the ends of a long one.
func show(verb string, value any) string {
	const ends = 100
	text := fmt.Sprintf(verb, value)
	if len(text) <= 3*ends {
		return text
	}
	return fmt.Sprintf("%s ... %s (%d bytes)", text[:ends], text[len(text)-ends:], len(text))
}
