package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/contit/oauth/tokenendpoint/bearer"
)

// order is a row of the orders table.
type order struct {
	ID    int64  `json:"id"`
	Item  string `json:"item"`
	Cents int64  `json:"cents"`
}

func euros(cents int64) string { return fmt.Sprintf("%d.%02d €", cents/100, cents%100) }

func (s *shop) orders(ctx context.Context, user int64) ([]order, error) {
	rows, err := s.db.read.QueryContext(ctx, `SELECT id, item, cents FROM orders WHERE user_id = ? ORDER BY id`, user)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	orders := []order{}
	for rows.Next() {
		var o order
		if err := rows.Scan(&o.ID, &o.Item, &o.Cents); err != nil {
			return nil, err
		}
		orders = append(orders, o)
	}
	return orders, rows.Err()
}

func (s *shop) showOrders(w http.ResponseWriter, r *http.Request, v *session) {
	orders, err := s.orders(r.Context(), v.ID)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, r, http.StatusOK, "orders", v, orders)
}

// serveOrders is GET /api/orders: the same orders for a caller with a token.
func (s *shop) serveOrders(w http.ResponseWriter, r *http.Request) {
	token, _ := bearer.Token(r.Context()) // it is there: this is behind RequireToken
	id, ok := userID(token.Subject)
	if !ok { // a client that acts for itself has no orders
		http.Error(w, "these are the orders of a user", http.StatusForbidden)
		return
	}
	orders, err := s.orders(r.Context(), id)
	if err != nil {
		s.log.ErrorContext(r.Context(), "request", "path", r.URL.Path, "cause", err)
		http.Error(w, "try again later", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(map[string]any{"orders": orders, "tier": token.Claims["tier"]})
}
