package integration_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"strconv"
	"strings"
	"sync"
)

// A protocol is how a connection talks to its database: it reads one message at
// a time, and knows a spend and its success when it sees them.
type protocol interface {
	// question reads a message of the client. spends tells that it makes the
	// database spend something.
	question(r io.Reader) (message []byte, spends bool, err error)
	// answer reads a message of the database. Of the messages that answer a
	// spend, the one that tells of success has how many were spent, and the one
	// that tells that it is committed is committed.
	answer(r io.Reader) (message []byte, spent int, committed bool, err error)
}

// isSpend knows the statement of a spend by its text.
func isSpend(statement []byte) bool { return strings.Contains(string(statement), spending) }

// postgresProtocol is the extended query protocol of PostgreSQL (Frontend and
// Backend Protocol, message formats), without TLS.
type postgresProtocol struct {
	started bool
	mu      sync.Mutex
	spends  map[string]bool // names of statements
	asked   bool            // a spend is under way
}

func readPostgres(r io.Reader, typed bool) ([]byte, error) {
	head := make([]byte, 4, 5)
	if typed {
		head = head[:5]
	}
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	length := int(binary.BigEndian.Uint32(head[len(head)-4:])) // of itself and the rest
	message := append(head, make([]byte, length-4)...)
	_, err := io.ReadFull(r, message[len(head):])
	return message, err
}

func (p *postgresProtocol) question(r io.Reader) ([]byte, bool, error) {
	m, err := readPostgres(r, p.started)
	if err != nil || !p.started { // the first message has no type
		p.started = true
		return m, false, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	fields := bytes.SplitN(m[5:], []byte{0}, 3)
	switch m[0] {
	case 'P': // Parse: the name of the statement, its text
		p.spends[string(fields[0])] = isSpend(fields[1])
	case 'B': // Bind: the name of the portal, that of the statement
		p.asked = p.spends[string(fields[1])]
		return m, p.asked, nil
	}
	return m, false, nil
}

// answer: CommandComplete tells how many rows there were. The transaction of a
// single statement ends when the server comes to Sync, and ReadyForQuery
// follows.
func (p *postgresProtocol) answer(r io.Reader) (m []byte, spent int, committed bool, err error) {
	if m, err = readPostgres(r, true); err != nil {
		return nil, 0, false, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.asked && m[0] == 'Z': // ReadyForQuery
		p.asked = false
		return m, 0, true, nil
	case p.asked && m[0] == 'C':
		rows, _ := bytes.CutPrefix(bytes.TrimRight(m[5:], "\x00"), []byte("INSERT 0 "))
		spent, _ = strconv.Atoi(string(rows))
	}
	return m, spent, false, nil
}

// mysqlProtocol is the protocol of MySQL's prepared statements, without TLS.
type mysqlProtocol struct {
	mu       sync.Mutex
	spends   map[uint32]bool // numbers of statements
	prepares bool            // the text of a spend is being prepared
	asked    bool
}

const (
	comStmtPrepare = 0x16
	comStmtExecute = 0x17
)

func readMySQL(r io.Reader) ([]byte, error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	length := int(head[0]) | int(head[1])<<8 | int(head[2])<<16
	message := append(head, make([]byte, length)...)
	_, err := io.ReadFull(r, message[4:])
	return message, err
}

func (p *mysqlProtocol) question(r io.Reader) ([]byte, bool, error) {
	m, err := readMySQL(r)
	if err != nil || m[3] != 0 || len(m) < 9 { // a command is the first packet of an exchange
		return m, false, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.prepares = m[4] == comStmtPrepare && isSpend(m[5:])
	p.asked = m[4] == comStmtExecute && p.spends[binary.LittleEndian.Uint32(m[5:])]
	return m, p.asked, nil
}

// answer: the packet OK tells how many rows there were, and comes after the
// commit, since the statement is a transaction of its own.
func (p *mysqlProtocol) answer(r io.Reader) (m []byte, spent int, committed bool, err error) {
	if m, err = readMySQL(r); err != nil {
		return nil, 0, false, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if m[3] != 1 || len(m) < 9 || m[4] != 0 { // not the first packet of an answer, or an error
		return m, 0, false, nil
	}
	switch {
	case p.prepares:
		p.spends[binary.LittleEndian.Uint32(m[5:])] = true
		p.prepares = false
	case p.asked:
		p.asked = false
		return m, int(m[5]), m[5] > 0, nil
	}
	return m, 0, false, nil
}
