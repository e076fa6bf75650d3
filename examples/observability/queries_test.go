package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// query is a PromQL expression, and where it stands.
type query struct{ place, text string }

// dashboardQueries are the queries of the dashboard.
func dashboardQueries(t *testing.T) (all []query) {
	t.Helper()
	b, err := os.ReadFile("dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Title  string
		Panels []struct {
			Title, Type string
			GridPos     struct{ H, W int }
			Targets     []struct{ Expr, LegendFormat string }
		}
	}
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	if d.Title == "" || len(d.Panels) == 0 {
		t.Fatalf("the dashboard is %+v, want a title and panels", d)
	}
	for _, p := range d.Panels {
		if p.Title == "" || p.Type == "" || p.GridPos.H == 0 || p.GridPos.W == 0 || len(p.Targets) == 0 {
			t.Errorf("a panel is %+v, want a title, a type, a size and a query", p)
		}
		for _, target := range p.Targets {
			all = append(all, query{p.Title, strings.ReplaceAll(target.Expr, "$__rate_interval", "5m")})
		}
	}
	return all
}

// alertQueries are the queries of the alert rules.
func alertQueries(t *testing.T) (all []query) {
	t.Helper()
	b, err := os.ReadFile("alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr string
				Labels      map[string]string
				Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			if r.Alert == "" || r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("a rule is %+v, want a name, a severity and texts", r)
			}
			all = append(all, query{r.Alert, r.Expr})
		}
	}
	return all
}

// TestQueries: every query of the dashboard and of the alerts is PromQL, and names
// metrics, labels and values of labels that /metrics has after requests of every kind.
func TestQueries(t *testing.T) {
	series := scrape(t)
	queries := append(dashboardQueries(t), alertQueries(t)...)
	if len(queries) < 12 {
		t.Fatalf("there are %d queries, want those of the dashboard and of the alerts", len(queries))
	}
	for _, q := range queries {
		expression, err := parser.NewParser(parser.Options{}).ParseExpr(q.text)
		if err != nil {
			t.Errorf("%s: %s: %v", q.place, q.text, err)
			continue
		}
		for _, fault := range faults(expression, series) {
			t.Errorf("%s: %s: %s", q.place, q.text, fault)
		}
	}
}

// TestQueriesNotices shows that TestQueries notices a wrong query.
func TestQueriesNotices(t *testing.T) {
	series := []labels.Labels{labels.FromStrings("__name__", "oauth_requests_total", "outcome", "issued")}
	for text, want := range map[string]bool{
		`sum by (outcome) (oauth_requests_total{outcome="issued"})`: false,
		`oauth_request_total`:                                   true,
		`oauth_requests_total{outcom="issued"}`:                 true,
		`oauth_requests_total{outcome="isued"}`:                 true,
		`oauth_requests_total{outcome=~"issued|isued"}`:         true,
		`sum by (outcom) (oauth_requests_total)`:                true,
		`sum by (outcome) (oauth_requests_total) / nonsense`:    true,
		`histogram_quantile(0.9, sum by (le) (x_bucket{a=""}))`: true,
	} {
		expression, err := parser.NewParser(parser.Options{}).ParseExpr(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := faults(expression, series); (len(got) > 0) != want {
			t.Errorf("%s: got the faults %q, want some: %v", text, got, want)
		}
	}
}

// faults holds an expression against series.
func faults(expression parser.Expr, series []labels.Labels) (all []string) {
	parser.Inspect(expression, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			of := named(series, n.Name)
			if len(of) == 0 {
				all = append(all, "there is no metric "+n.Name)
			}
			for _, m := range n.LabelMatchers {
				for _, value := range strings.Split(m.Value, "|") {
					if !slices.ContainsFunc(of, func(l labels.Labels) bool { return l.Get(m.Name) == value && l.Has(m.Name) }) {
						all = append(all, "no "+n.Name+" has "+m.Name+" "+value)
					}
				}
			}
		case *parser.AggregateExpr:
			var of []labels.Labels
			parser.Inspect(n.Expr, func(inner parser.Node, _ []parser.Node) error {
				if v, ok := inner.(*parser.VectorSelector); ok {
					of = append(of, named(series, v.Name)...)
				}
				return nil
			})
			for _, name := range n.Grouping {
				if !slices.ContainsFunc(of, func(l labels.Labels) bool { return l.Has(name) }) {
					all = append(all, "no metric has the label "+name)
				}
			}
		}
		return nil
	})
	return all
}

func named(series []labels.Labels, name string) []labels.Labels {
	return slices.DeleteFunc(slices.Clone(series), func(l labels.Labels) bool { return l.Get("__name__") != name })
}
