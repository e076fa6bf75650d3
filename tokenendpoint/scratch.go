package tokenendpoint

import (
	"crypto/rand"
	"sync"

	"github.com/google/uuid"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/tokenendpoint/internal/deadline"
)

// scratch is memory that a request needs on its way. Nothing in it is a decision: it
// only spares the garbage collector work.
//
// An exchange is a variable of the goroutine, which costs no allocation. The compiler
// sees that nobody keeps a pointer into it. TestAllocations fails if a change of the code
// gives such a pointer away: then the whole exchange is allocated for each request.
type scratch struct {
	*outlasting
	tokenID uuid.UUID // the jti
	buffers *buffers  // taken when there is something to sign
}

// outlasting is the part of an exchange that a store, a grant or a hook may keep when
// the request is over, in one allocation. No other request gets its memory.
type outlasting struct {
	request    grants.Request
	deciding   deadline.Context // for everything before commit
	committing deadline.Context
	salt       [16]byte // of the refresh token that is used up
}

// begin makes the memory of an exchange.
func (x *exchange) begin() {
	x.outlasting = new(outlasting)
	x.request = &x.outlasting.request
}

// newTokenID draws a version 4 UUID (RFC 9562 §5.4). uuid.NewString would draw
// it into memory of its own.
func (s *scratch) newTokenID() string {
	rand.Read(s.tokenID[:]) // it cannot fail: the process ends instead
	s.tokenID[6], s.tokenID[8] = s.tokenID[6]&0x0f|0x40, s.tokenID[8]&0x3f|0x80
	return s.tokenID.String()
}

// newSalt draws the salt from which a refresh token derives its successor.
func (s *scratch) newSalt() []byte {
	rand.Read(s.salt[:])
	return s.salt[:]
}

// buffers are memory for the payload of a token and for the body that holds the
// token. They go from request to request: without them a request would leave two
// kilobytes more to the garbage collector. A longer payload or body is allocated.
type buffers struct {
	payload [512]byte
	body    [1536]byte
}

var pool = sync.Pool{New: func() any { return new(buffers) }}

// takeBuffers returns buffers until release is called.
func (s *scratch) takeBuffers() *buffers {
	s.buffers = pool.Get().(*buffers)
	return s.buffers
}

// release clears the buffers and gives them back, when the answer has been
// written. If a panic goes on, release is not called, and the buffers are lost.
func (s *scratch) release() {
	if s.buffers == nil {
		return
	}
	*s.buffers = buffers{}
	pool.Put(s.buffers)
	s.buffers = nil
}
