// Package nils finds the nil that an interface hides.
package nils

import "reflect"

// Is reports whether v is nil, or an interface that holds a nil pointer, function
// or map.
func Is(v any) bool {
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Func, reflect.Map:
		return r.IsNil()
	}
	return false
}

// Unopened returns why a store cannot be used, such as the zero value of a store that
// only its constructor makes. It asks the stores that have the method Opened, and
// returns nil for every other value.
func Unopened(store any) error {
	if s, ok := store.(interface{ Opened() error }); ok && !Is(store) {
		return s.Opened()
	}
	return nil
}
