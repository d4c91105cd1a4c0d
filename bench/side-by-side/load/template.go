package main

import (
	"bytes"
	"strconv"
	"sync/atomic"
	"time"
)

// Template is a request made ready: numbers are written over marks of the same length, in JSON and in protobuf alike.
//
//	#########              which object: counts from `from`, wraps after `wrap`
//	~~~~~~~~~              differs with every request
//	@@@@@@@@@@@@@@@@@@@    the time of sending, ns since 1970
type Template struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	// Protobuf encodes the body, an object in JSON, first.
	Protobuf bool  `json:"protobuf"`
	From     int64 `json:"from"`
	Wrap     int64 `json:"wrap"`
	Expect   []int `json:"expect"`

	headers []Header
	body    []byte
	which   []int
	differs []int
	times   []int
	path    []byte
	inPath  []int
}

const (
	whichMark   = "#########"
	differsMark = "~~~~~~~~~"
	timeMark    = "@@@@@@@@@@@@@@@@@@@"
)

// requests counts all that were ever made: no two have the same number, in no process of ours.
var requests atomic.Int64

func init() { requests.Store(time.Now().UnixMilli() % 100_000 * 10_000) }

func (t *Template) prepare() error {
	for name, value := range t.Headers {
		t.headers = append(t.headers, Header{name, value})
	}
	if t.Body != "" {
		t.body = []byte(t.Body)
	}
	if t.Protobuf {
		encoded, err := toProtobuf(t.body)
		if err != nil {
			return err
		}
		t.body = encoded
	}
	t.which, t.differs, t.times = places(t.body, whichMark), places(t.body, differsMark), places(t.body, timeMark)
	t.path = []byte(t.Path)
	t.inPath = places(t.path, whichMark)
	return nil
}

func places(text []byte, mark string) (found []int) {
	for at := 0; ; {
		i := bytes.Index(text[at:], []byte(mark))
		if i < 0 {
			return found
		}
		found = append(found, at+i)
		at += i + len(mark)
	}
}

func writeNumber(into []byte, at, width int, number int64) {
	for i := at + width - 1; i >= at; i-- {
		into[i] = byte('0' + number%10)
		number /= 10
	}
}

// make fills in request i. The body is written over buffer.
func (t *Template) make(i int64, buffer []byte) (path string, body []byte) {
	which := t.From + i
	if t.Wrap > 0 {
		which = t.From + i%t.Wrap
	}
	path = t.Path
	if len(t.inPath) > 0 {
		p := append([]byte(nil), t.path...)
		for _, at := range t.inPath {
			writeNumber(p, at, len(whichMark), which)
		}
		path = string(p)
	}
	if t.body == nil {
		return path, nil
	}
	body = append(buffer[:0], t.body...)
	for _, at := range t.which {
		writeNumber(body, at, len(whichMark), which)
	}
	if len(t.differs) > 0 {
		number := requests.Add(1)
		for _, at := range t.differs {
			writeNumber(body, at, len(differsMark), number)
		}
	}
	if len(t.times) > 0 {
		now := strconv.FormatInt(time.Now().UnixNano(), 10)
		for _, at := range t.times {
			copy(body[at:], now)
		}
	}
	return path, body
}

func (t *Template) expected(status int) bool {
	for _, e := range t.Expect {
		if e == status {
			return true
		}
	}
	return len(t.Expect) == 0 && (status == 200 || status == 201)
}
