package tokenendpoint

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

var errWrittenInto = errors.New("tokenendpoint: the grant changed its request: the credential that it presented is another client's, or has expired")

// show lets the grant see the request. Our own grants do not write into it.
func (x *exchange) show(ask func(*grants.Request) error) error {
	if x.hosts {
		return x.lend(ask)
	}
	return ask(x.request)
}

// lend shows code of the host's a copy of the request, so that the endpoint
// judges by values that the host cannot have changed: x.request, with the client
// that was authenticated, and x.authorization. The endpoint finds in x.request
// the credential that a copy presents, even if the host has copied the copy.
func (x *exchange) lend(ask func(*grants.Request) error) error {
	x.request.Share()
	lent := *x.request
	if lent.Client != nil {
		lent.Client = lent.Client.Clone()
	}
	lent.Scope, lent.Resource, lent.Form = slices.Clone(lent.Scope), slices.Clone(lent.Resource), maps.Clone(lent.Form)
	return ask(&lent)
}

// asOutage explains in the log why an error of the host's code was an outage,
// where the author may have meant a verdict.
func asOutage(what string, err error) error {
	if grants.Verdict(err) != nil {
		return err
	}
	_, isError := errors.AsType[*grants.Error](err)
	_, isCode := errors.AsType[grants.ErrorCode](err)
	switch {
	case isError, isCode:
		return fmt.Errorf("tokenendpoint: the %s joined a verdict with another error, which is an outage (give the verdict its cause by Because): %w", what, err)
	case errors.Is(err, storage.ErrNotFound), errors.Is(err, storage.ErrSpent), errors.Is(err, storage.ErrExists):
		return fmt.Errorf("tokenendpoint: the %s returned the verdict of a store, which is an outage here (return grants.InvalidGrant.Because(err)): %w", what, err)
	}
	return fmt.Errorf("tokenendpoint: %s: %w", what, err)
}

// cloneClaims copies claims as deep as JSON goes: into objects and lists. Code
// of the host may write into claims that it gets, and may keep claims that it
// gave.
func cloneClaims(claims map[string]any) map[string]any {
	if claims == nil {
		return nil
	}
	return claimCloner{}.object(claims)
}

// claimCloner remembers the copy of each object and list, so that a value which
// holds itself ends, and one which is held twice is copied once. The encoder
// later refuses a value that holds itself.
type claimCloner map[claimID]any

// claimID tells two objects or lists apart.
type claimID struct {
	address uintptr
	length  int
}

func (c claimCloner) object(claims map[string]any) map[string]any {
	id := claimID{reflect.ValueOf(claims).Pointer(), len(claims)}
	if copied, ok := c[id]; ok {
		return copied.(map[string]any)
	}
	copied := make(map[string]any, len(claims))
	c[id] = copied
	for name, value := range claims {
		copied[name] = c.value(value)
	}
	return copied
}

func (c claimCloner) list(claims []any) []any {
	if len(claims) == 0 {
		return claims
	}
	id := claimID{reflect.ValueOf(claims).Pointer(), -len(claims)}
	if copied, ok := c[id]; ok {
		return copied.([]any)
	}
	copied := make([]any, len(claims))
	c[id] = copied
	for i := range claims {
		copied[i] = c.value(claims[i])
	}
	return copied
}

func (c claimCloner) value(value any) any {
	switch value := value.(type) {
	case map[string]any:
		if value != nil {
			return c.object(value)
		}
	case []any:
		return c.list(value)
	case map[string]string:
		return maps.Clone(value)
	case []string:
		return slices.Clone(value)
	}
	return value
}
