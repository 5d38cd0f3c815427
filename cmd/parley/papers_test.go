package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// configurationTable is the README's table, from the one table in the code.
func configurationTable() string {
	var b strings.Builder
	b.WriteString("| variable | default | meaning |\n|---|---|---|\n")
	for _, v := range variables() {
		standard := ""
		if v.Default != "" {
			standard = "`" + v.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", v.Name, standard, v.Meaning)
	}
	return b.String()
}

func TestREADMEHoldsTheConfigurationTable(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if want := configurationTable(); !strings.Contains(string(readme), want) {
		t.Fatalf("the README's table is not that of the code:\n%s", want)
	}
}

func TestREADMENamesEveryCommand(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range commands() {
		if !strings.Contains(string(readme), "`parley "+c.name) {
			t.Errorf("the README does not tell of `parley %s`", c.name)
		}
	}
}

func TestThePageKnowsTheContract(t *testing.T) {
	written, err := os.ReadFile(filepath.Join("..", "..", "web", "src", "api", "openapi.json"))
	if err != nil {
		t.Fatal(err)
	}
	var now bytes.Buffer
	if err := openapi(t.Context(), terminal{out: &now}, nil); err != nil {
		t.Fatal(err)
	}
	if now.String() != string(written) {
		t.Fatal("the contract has changed: parley openapi > web/src/api/openapi.json, then npm run api in web")
	}
}
