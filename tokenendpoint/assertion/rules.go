package assertion

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
)

// Rules say which assertions of an issuer stand for one client, or for one purpose. An
// assertion must fit all of them. [Rules.Check] reports the mistakes that would let in
// more than was meant.
type Rules []Rule

// Rule compares one claim, whole. There are no patterns: platforms change the form of
// their "sub" (GitHub did in 2026), and a pattern that fitted one repository then fits
// others.
type Rule struct {
	// Claim is the name of the claim, or the path to it: "repository_id", or
	// "kubernetes.io", "namespace".
	Claim []string
	// Value is its only right value: a string, a bool or an integer.
	Value any
}

// Is makes a rule about a claim at the top of an assertion.
func Is(claim string, value any) Rule { return Rule{[]string{claim}, value} }

// Match reports whether an assertion fits every rule. Rules without a member fit
// nothing.
func (r Rules) Match(c *Claims) bool {
	return len(r) > 0 && !slices.ContainsFunc(r, func(rule Rule) bool { return !rule.match(c) })
}

// match compares JSON values: a claim "1" is not the number 1.
func (r Rule) match(c *Claims) bool {
	got, there := c.Claim(r.Claim...)
	want, err := json.Marshal(r.Value)
	if !there || err != nil {
		return false
	}
	return equalJSON(got, want)
}

// equalJSON compares two strings, bools or numbers.
func equalJSON(a, b []byte) bool {
	var x, y any
	for value, to := range map[*any][]byte{&x: a, &y: b} {
		d := json.NewDecoder(bytes.NewReader(to))
		d.UseNumber()
		if d.Decode(value) != nil {
			return false
		}
	}
	switch x.(type) {
	case string, bool, json.Number:
		return x == y
	}
	return false
}

// Check names every fault: no rule beside those about iss and aud, which every
// assertion of the issuer fits; a value that no claim can be; a value that looks like
// a pattern; and one claim in two rules.
func (r Rules) Check() error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("assertion: "+format, args...))
	}
	telling := 0
	seen := make(map[string]bool)
	for i, rule := range r {
		path := strings.Join(rule.Claim, "\x00")
		switch {
		case len(rule.Claim) == 0 || slices.Contains(rule.Claim, ""):
			fault("Rules[%d] names no claim", i)
		case seen[path]:
			fault("Rules[%d] is about a claim that another rule is about", i)
		case path != "iss" && path != "aud":
			telling++
		}
		seen[path] = true
		switch value := rule.Value.(type) {
		case string:
			if strings.ContainsAny(value, "*") || strings.HasSuffix(value, ":") || strings.HasSuffix(value, "/") {
				fault("Rules[%d] looks like a prefix or a pattern of %s: rules compare whole claims", i, strings.Join(rule.Claim, "."))
			}
			if value == "" {
				fault("Rules[%d] has an empty value", i)
			}
		case bool, int, int64:
		default:
			fault("Rules[%d] has a value of type %T, which no rule compares", i, rule.Value)
		}
	}
	if telling == 0 {
		fault("Rules need a rule about a claim beside iss and aud: every assertion of the issuer would fit")
	}
	return errors.Join(faults...)
}

// LogValue returns the names of the claims.
func (r Rules) LogValue() slog.Value {
	var names []string
	for _, rule := range r {
		names = append(names, strings.Join(rule.Claim, "."))
	}
	return slog.StringValue(strings.Join(names, " "))
}

// Format prints the names of the claims.
func (r Rules) Format(f fmt.State, _ rune) {
	io.WriteString(f, "assertion.Rules{"+r.LogValue().String()+"}")
}

// ParseRules reads rules from a JSON object, such as storage.ClientAssertion.Claims:
// each member is a claim and the value that it must have, and an object leads into a
// claim that is an object, and so has a member. It does not ask [Rules.Check].
func ParseRules(object []byte) (Rules, error) {
	return rulesOf(nil, object)
}

func rulesOf(path []string, object []byte) (rules Rules, err error) {
	members, err := membersOf(object)
	if err != nil {
		return nil, errors.New("assertion: rules are no JSON object, or have a name twice")
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		claim := append(slices.Clone(path), name)
		if members[name][0] == '{' {
			within, err := rulesOf(claim, members[name])
			switch {
			case err != nil:
				return nil, err
			case len(within) == 0: // a reader of the registration would take it for a rule
				return nil, fmt.Errorf("assertion: the rule about %s has no member", strings.Join(claim, "."))
			}
			rules = append(rules, within...)
			continue
		}
		d := json.NewDecoder(bytes.NewReader(members[name]))
		d.UseNumber()
		var value any
		if err := d.Decode(&value); err != nil {
			return nil, fmt.Errorf("assertion: rules: %w", err)
		}
		if n, ok := value.(json.Number); ok {
			if value, err = n.Int64(); err != nil {
				return nil, fmt.Errorf("assertion: the rule about %s has a number that is no integer", strings.Join(claim, "."))
			}
		}
		rules = append(rules, Rule{claim, value})
	}
	return rules, nil
}
