package grants

import "slices"

// Narrow returns the scope to grant to a request that may have granted at most.
// That is the requested scope if it lies within granted and within the scope
// the client is registered for, else InvalidScope: never silently less or more
// (RFC 6749 §3.3). If the request names no scope it is all of granted that the
// client is still registered for; the response tells the client what it got.
func (r *Request) Narrow(granted []string) ([]string, error) {
	if r.Scope == nil {
		return r.stillRegistered(granted)
	}
	scope := make([]string, 0, min(len(r.Scope), len(granted)))
	for _, s := range r.Scope {
		switch {
		case !slices.Contains(granted, s) || !slices.Contains(r.Client.Scope, s):
			return nil, InvalidScope
		case !slices.Contains(scope, s): // a repeated scope counts once
			scope = append(scope, s)
		}
	}
	return scope, nil
}

func (r *Request) stillRegistered(granted []string) ([]string, error) {
	scope := make([]string, 0, len(granted))
	for _, s := range granted {
		if slices.Contains(r.Client.Scope, s) && !slices.Contains(scope, s) {
			scope = append(scope, s)
		}
	}
	if len(scope) == 0 && len(granted) > 0 {
		return nil, InvalidScope
	}
	return scope, nil
}
