package http

import (
	_ "embed"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"parley/events"
)

// Limits of a password, in characters. There are no rules of composition: they
// make passwords worse (NIST SP 800-63B-4, section 3.1.1.2). That page asks for
// 15 where nothing but a password guards; 10 is between that and the 8 people
// expect, with the commonest refused and guessing slowed down.
const (
	MinPassword = 10
	MaxPassword = 200
)

// mostBytes bounds what is looked at; a character takes up to four bytes before
// it is normalized, and some become several.
const mostBytes = 4 * MaxPassword

// normalized makes the same characters the same bytes, whichever keyboard they
// come from (NFKC, as SP 800-63B-4 asks).
func normalized(password string) string { return norm.NFKC.String(password) }

//go:embed commonest.txt
var commonest string

// refusedPasswords are the commonest ones, in order and in lower case.
type refusedPasswords []string

func commonestPasswords() refusedPasswords {
	lines := strings.Split(strings.TrimSpace(commonest), "\n")
	return slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, "# ") })
}

// mostAround is how many digits and signs around a common word do not yet make
// it another one: "password2024!".
const mostAround = 6

// leastDifferent is how many different characters a password has at least.
const leastDifferent = 4

// check holds a password against length, repetition, the commonest ones and what
// others know of its owner. Errors: CodeInvalid.
func (r refusedPasswords) check(password string, whose events.Person) error {
	n := utf8.RuneCountInString(password)
	if n < MinPassword || n > MaxPassword {
		return events.Errorf(events.CodeInvalid, "a password has %d to %d characters", MinPassword, MaxPassword)
	}
	folded := strings.ToLower(password)
	word := strings.TrimFunc(folded, func(c rune) bool { return !unicode.IsLetter(c) })
	around := n - utf8.RuneCountInString(word)
	switch {
	case r.has(folded) || word != "" && around <= mostAround && r.has(word):
		return events.Errorf(events.CodeInvalid, "many people use this password, so it is tried first; choose another one")
	case different(folded) < leastDifferent || inSequence(folded):
		return events.Errorf(events.CodeInvalid, "this password repeats or counts, so it is easily guessed; choose another one")
	case around <= mostAround && about(word, whose) || about(folded, whose):
		return events.Errorf(events.CodeInvalid, "this password is your name or address, so it is tried first; choose another one")
	}
	return nil
}

func (r refusedPasswords) has(word string) bool {
	_, found := slices.BinarySearch(r, word)
	return found
}

func different(text string) int {
	seen := map[rune]bool{}
	for _, c := range text {
		seen[c] = true
	}
	return len(seen)
}

// inSequence tells whether each character is the one before or behind its
// neighbour, all in one direction: "abcdefghij", "9876543210".
func inSequence(text string) bool {
	characters := []rune(text)
	step := characters[1] - characters[0]
	for i := 1; i < len(characters); i++ {
		if characters[i]-characters[i-1] != step {
			return false
		}
	}
	return step == 1 || step == -1
}

// about tells whether a word is what others know: the person's name, address,
// or where she signs in.
func about(word string, whose events.Person) bool {
	local, _, _ := strings.Cut(whose.Email, "@")
	known := []string{whose.Name, strings.ReplaceAll(whose.Name, " ", ""), whose.Email, local, "parley"}
	return word != "" && slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, word) })
}
