package eventstest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"
)

// PutRaw stores a message with a block of headers that no library would send, past
// the program, on the server at an address.
func PutRaw(t testing.TB, address, subject, header, body string) {
	t.Helper()
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", at.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(startTime)); err != nil {
		t.Fatal(err)
	}
	password, _ := at.User.Password()
	as, err := json.Marshal(map[string]any{"headers": true, "protocol": 1, "verbose": false, "pedantic": false, "user": at.User.Username(), "pass": password})
	if err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintf(conn, "CONNECT %s\r\nSUB stored 1\r\nHPUB %s stored %d %d\r\n%s%s\r\n",
		as, subject, len(header), len(header)+len(body), header, body)
	if err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		switch line := lines.Text(); {
		case strings.HasPrefix(line, `{"stream"`):
			return
		case strings.HasPrefix(line, "-ERR"), strings.HasPrefix(line, `{"error"`):
			t.Fatalf("the server refused %q: %s", subject, line)
		}
	}
	t.Fatalf("the server did not say that it stored %q", subject)
}
