package main

import "time"

// progress tells people that long work goes on: a line a second.
type progress struct {
	c    *call
	verb string // of the work, such as "deleted"
	n    int
	last time.Time
}

func (c *call) progress(verb string) *progress {
	return &progress{c: c, verb: verb, last: time.Now()}
}

func (p *progress) add(n int) {
	p.n += n
	// time.Now only measures how long ago the last line was.
	if now := time.Now(); now.Sub(p.last) >= time.Second {
		p.last = now
		p.c.note("%d %s so far", p.n, p.verb)
	}
}
