package rpc_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// docs/ethereum.md names what is served and what is not, and means it.
func TestPageNamesTheMethods(t *testing.T) {
	raw, err := os.ReadFile("../docs/ethereum.md")
	if err != nil {
		t.Fatal(err)
	}
	f := serve(t, nil)
	section := func(title string) []string {
		_, rest, _ := strings.Cut(string(raw), "\n## "+title+"\n")
		text, _, _ := strings.Cut(rest, "\n## ")
		return regexp.MustCompile("`((?:eth|net|web3|txpool|debug)_[A-Za-z0-9]+)`").FindAllString(text, -1)
	}
	served, not := section("Served"), section("Not served")
	if len(served) < 60 || len(not) < 5 {
		t.Fatalf("%d methods served, %d not: the page is not what it was", len(served), len(not))
	}
	for _, method := range served {
		method = strings.Trim(method, "`")
		if have := f.call(method).code(); have == -32601 && method != "eth_subscribe" { // by HTTP there is nobody to tell
			t.Errorf("%s is not served", method)
		}
	}
	for _, method := range not {
		if have := f.call(strings.Trim(method, "`")).code(); have != -32601 {
			t.Errorf("%s is served: code %d", method, have)
		}
	}
}
