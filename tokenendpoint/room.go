package tokenendpoint

import "sync"

// room is memory for the payload of a token and for the answer that it stands in.
// It goes from request to request: it would be two of the five kilobytes that a
// request leaves to the garbage collector. What does not fit is allocated.
type room struct {
	payload [512]byte
	answer  [1536]byte
}

var rooms = sync.Pool{New: func() any { return new(room) }}

// leaveRoom gives the room back, when the answer has been written, with nothing
// in it. After a panic that goes on nobody does.
func (x *exchange) leaveRoom() {
	if x.room == nil {
		return
	}
	*x.room = room{}
	rooms.Put(x.room)
	x.room = nil
}
