package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// serve is the most trivial server there is: it shows how much load this generator can make.
func serve(certFile, keyFile string) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	answer := []byte(`{"kind":"ConfigMap","metadata":{"resourceVersion":"1"},"data":{"value":"` + strings.Repeat("x", 1024) + `"}}` + "\n")
	handler := http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		io.Copy(io.Discard, in.Body)
		out.Header().Set("content-type", "application/json")
		if in.URL.Query().Get("watch") != "" {
			stream(out, in, answer)
			return
		}
		out.Write(answer)
	})
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	return http.ServeTLS(listener, handler, certFile, keyFile)
}

// stream sends events of about a kilobyte until nobody reads them any more.
func stream(out http.ResponseWriter, in *http.Request, body []byte) {
	flusher := out.(http.Flusher)
	out.WriteHeader(200)
	flusher.Flush()
	time.Sleep(500 * time.Millisecond)
	pause, _ := strconv.Atoi(in.URL.Query().Get("pauseUs"))
	for in.Context().Err() == nil {
		if _, err := out.Write(body); err != nil {
			return
		}
		flusher.Flush()
		if pause > 0 {
			time.Sleep(time.Duration(pause) * time.Microsecond)
		}
	}
}
