package http

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"parley/events"
)

// good is a password of n characters, each of which counts once.
func good(n int) string { return string([]rune(strings.Repeat("é4Z-ß", n))[:n]) }

func TestPasswordRules(t *testing.T) {
	p := NewPasswords(1)
	ana := events.Person{Name: "Ana Nunez-Ortega", Email: "ana.nunez@example.org"}
	for _, test := range []struct {
		name     string
		password string
		code     events.Code
	}{
		{"one short", good(MinPassword - 1), events.CodeInvalid},
		{"just long enough", good(MinPassword), ""},
		{"just short enough", good(MaxPassword), ""},
		{"one long", good(MaxPassword + 1), events.CodeInvalid},
		{"words and spaces", "seven words with spaces between them all", ""},
		{"one of the commonest", "qwertyuiop", events.CodeInvalid},
		{"in capitals", "QWERTYuiop", events.CodeInvalid},
		{"in wide characters", "ｑｗｅｒｔｙｕｉｏｐ", events.CodeInvalid},
		{"a common word and a year", "Password2024", events.CodeInvalid},
		{"a common word and as much around it as is nothing", "!password12345", events.CodeInvalid},
		{"a common word and more around it", "!!password12345", ""},
		{"three characters over and over", "abcabcabcabc", events.CodeInvalid},
		{"four", "abcdabcdabcd", ""},
		{"upwards", "abcdefghijkl", events.CodeInvalid},
		{"downwards", "zyxwvutsrqponm", events.CodeInvalid},
		{"her address", "ana.nunez@example.org", events.CodeInvalid},
		{"her name", "ana nunez-ortega!", events.CodeInvalid},
		{"her name in one", "AnaNunez-Ortega", events.CodeInvalid},
		{"the part before the @, and a year", "ana.nunez2024", events.CodeInvalid},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := p.refused.check(normalized(test.password), ana); events.CodeOf(err) != test.code {
				t.Fatal(err)
			}
		})
	}
	t.Run("the list can be searched", func(t *testing.T) {
		if !slices.IsSorted(p.refused) || len(p.refused) < 5000 {
			t.Fatalf("%d entries, sorted: %v", len(p.refused), slices.IsSorted(p.refused))
		}
	})
}

func TestPasswords(t *testing.T) {
	p := NewPasswords(1)
	const accented, composed = "cafe\u0301 con leche", "caf\u00e9 con leche"
	hash, err := p.Hash(t.Context(), accented, events.Person{})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, password, hash string
		right                bool
	}{
		{"the password is right", accented, hash, true},
		{"from another keyboard too", composed, hash, true},
		{"another one is not", composed + "x", hash, false},
		{"nobody's is never right", "", "", false},
		{"an endless one is not looked at", strings.Repeat("x", mostBytes+1), hash, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if right, err := p.Check(t.Context(), test.password, test.hash); right != test.right || err != nil {
				t.Fatalf("%v, %v", right, err)
			}
		})
	}
	t.Run("a hash of another form is a fault", func(t *testing.T) {
		if _, err := p.Check(t.Context(), "x", "$2b$10$abc"); events.CodeOf(err) != events.CodeInternal {
			t.Fatal(err)
		}
	})
}

func TestPasswordsWaitTheirTurn(t *testing.T) {
	p := NewPasswords(1)
	p.slots <- struct{}{} // somebody is at it
	for range waitingHashes - 1 {
		p.waiting <- struct{}{}
	}
	leave, gone := context.WithCancel(t.Context())
	gone()
	if _, err := p.Check(leave, "x", ""); events.CodeOf(err) != events.CodeUnavailable {
		t.Errorf("the last who may wait, and leaves: %v", err)
	}
	p.waiting <- struct{}{}
	_, err := p.Check(t.Context(), "x", "")
	var limit *later
	if events.CodeOf(err) != events.CodeLimited || !errors.As(err, &limit) {
		t.Errorf("one more than may wait: %v", err)
	}
}
