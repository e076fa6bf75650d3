package main

const (
	scopeOrders  = "orders:read"
	scopeProfile = "profile"
	scopeStock   = "stock:read"
)

// sentences tell users what a scope allows. Each completes "the app can".
var sentences = map[string]string{
	scopeOrders:  "See your orders and what you paid",
	scopeProfile: `See your name and your customer tier, such as "gold"`,
	scopeStock:   "See what the shop has in stock",
}

// sentence returns the sentence of a scope. A scope that has none is shown by its
// name: a user must never allow something that the page left out.
func sentence(scope string) string {
	if s, ok := sentences[scope]; ok {
		return s
	}
	return "Use the permission " + scope
}
