package storage_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/contit/oauth/storage"
)

// filled returns a record with two elements in every slice.
func filled[T any]() *T {
	record := new(T)
	fillSlices(reflect.ValueOf(record).Elem())
	return record
}

func fillSlices(v reflect.Value) {
	switch {
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
	case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]():
		for i := range v.NumField() {
			fillSlices(v.Field(i))
		}
	}
}

// wantUnshared looks at every field by reflection, so that one that is added
// and forgotten in Clone is seen.
func wantUnshared(t *testing.T, record, clone any) {
	t.Helper()
	if !reflect.DeepEqual(record, clone) {
		t.Errorf("Clone: got %+v, want %+v", clone, record)
	}
	a, b := reflect.ValueOf(record).Elem(), reflect.ValueOf(clone).Elem()
	for i := range a.NumField() {
		name := a.Type().Field(i).Name
		switch f := a.Field(i); f.Kind() {
		case reflect.Slice:
			if f.Len() > 0 && f.Pointer() == b.Field(i).Pointer() {
				t.Errorf("Clone of %T: got %s shared, want a copy", record, name)
			}
		case reflect.Map, reflect.Pointer, reflect.Interface:
			t.Errorf("%T.%s is a %s: teach this test and Clone about it", record, name, f.Kind())
		}
	}
}

func TestCloneSharesNothing(t *testing.T) {
	client, credential, key := filled[storage.Client](), filled[storage.Credential](), filled[storage.APIKey]()
	wantUnshared(t, client, client.Clone())
	wantUnshared(t, credential, credential.Clone())
	wantUnshared(t, key, key.Clone())
}

func TestCloneKeepsNilAndEmpty(t *testing.T) {
	for name, list := range map[string][]string{"nil": nil, "empty": {}} {
		c := (&storage.Client{DefaultScope: list, Audience: list}).Clone()
		for field, got := range map[string][]string{
			"Client.DefaultScope": c.DefaultScope,
			"Client.Audience":     c.Audience,
			"Credential.Audience": (&storage.Credential{Audience: list}).Clone().Audience,
			"APIKey.Audience":     (&storage.APIKey{Audience: list}).Clone().Audience,
		} {
			if (got == nil) != (list == nil) {
				t.Errorf("Clone of a %s %s: got %#v, want %#v", name, field, got, list)
			}
		}
	}
}

func TestZeroClientMayDoNothing(t *testing.T) {
	var c storage.Client
	if c.Public() || c.MayUse("") || c.MayUse("client_credentials") {
		t.Errorf("the zero Client: got Public %t, MayUse of nothing %t, want false", c.Public(), c.MayUse(""))
	}
	c = storage.Client{AuthMethod: storage.AuthNone, GrantTypes: []string{"refresh_token"}}
	if !c.Public() || !c.MayUse("refresh_token") || c.MayUse("Refresh_Token") || c.MayUse("refresh") {
		t.Errorf("a public client for refresh_token: got Public %t, MayUse %t", c.Public(), c.MayUse("refresh_token"))
	}
}

func TestSpent(t *testing.T) {
	for uses, want := range []bool{false, true, true} {
		if got := (&storage.Credential{Uses: uses}).Spent(); got != want {
			t.Errorf("Spent after %d uses: got %t, want %t", uses, got, want)
		}
	}
}
