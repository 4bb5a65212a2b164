// Writes what Kubernetes' YAML library makes of texts of every length and at every depth, and what kubectl prints of lists:
// fixtures of the tests.
//
//	go run . texts                   JSON, its YAML (base64, a line each; the same in every run)
//	go run . lists < printed.tsv     key, its object as an item of kubectl's list without and with managed fields (base64)
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"math/rand"
	"os"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/printers"
	"sigs.k8s.io/yaml"
)

func main() {
	log.SetFlags(0)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	switch {
	case len(os.Args) == 2 && os.Args[1] == "texts":
		texts(out)
	case len(os.Args) == 2 && os.Args[1] == "lists":
		lists(out)
	default:
		log.Fatal("usage: go run . texts | go run . lists < printed.tsv")
	}
}

func encoded(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// What texts are made of: words, runs of blanks, and what forces each style.
var pieces = []string{
	"a", "word", "longer-word", "é", "日本", "'", "\"", "\\", ": ", " #", "-", "- ", ",", "{", "[x]", "\t", "\n", "\n\n",
	"\u2028", "\u00a0", "😀", "0x1f", "yes", "https://x.example/?q=1&r=2", "=", "\ufeff", "\r",
}

func text(r *rand.Rand) string {
	var b strings.Builder
	special := r.Intn(3) == 0
	for n := r.Intn(60); n >= 0; n-- {
		switch {
		case special && r.Intn(12) == 0:
			b.WriteString(pieces[r.Intn(len(pieces))])
		default:
			b.WriteString(strings.Repeat("x", 1+r.Intn(14)))
		}
		if r.Intn(8) != 0 {
			b.WriteString(strings.Repeat(" ", 1+r.Intn(20)/18))
		}
	}
	s := b.String()
	if r.Intn(6) != 0 {
		s = strings.Trim(s, " ")
	}
	return s
}

// A text or two so many levels deep, below lists and objects.
func value(r *rand.Rand, depth int) any {
	if depth == 0 {
		return text(r)
	}
	if r.Intn(3) == 0 {
		return []any{text(r), value(r, depth-1)}
	}
	key := strings.Repeat("k", 1+r.Intn(40))
	if r.Intn(8) == 0 {
		key = text(r)
	}
	return map[string]any{key: value(r, depth-1), "n": text(r)}
}

func texts(out *bufio.Writer) {
	r := rand.New(rand.NewSource(6))
	for n := 0; n < 160; n++ {
		j, err := json.Marshal(value(r, n%9))
		if err != nil {
			log.Fatal(err)
		}
		y, err := yaml.JSONToYAML(j)
		if err != nil {
			log.Fatalf("%s: %v", j, err)
		}
		fmt.Fprintf(out, "%s\t%s\n", encoded(j), encoded(y))
	}
}

// What kubectl prints of a list with each object, where a line of it is broken elsewhere than in the object alone.
func lists(out *bufio.Writer) {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<26)
	for in.Scan() {
		columns := strings.Split(in.Text(), "\t")
		object, _, err := unstructured.UnstructuredJSONScheme.Decode(decoded(columns[2]), nil, nil)
		if err != nil {
			continue // no object
		}
		differs := false
		row := columns[0]
		for at, column := range columns[3:5] {
			item := object.DeepCopyObject().(*unstructured.Unstructured)
			// As `kubectl get` builds it.
			list := &unstructured.UnstructuredList{
				Object: map[string]any{"kind": "List", "apiVersion": "v1", "metadata": map[string]any{"resourceVersion": ""}},
				Items:  []unstructured.Unstructured{*item},
			}
			var printer printers.ResourcePrinter = &printers.YAMLPrinter{}
			if at == 0 {
				printer = &printers.OmitManagedFieldsPrinter{Delegate: printer}
			}
			var text bytes.Buffer
			if err := printer.PrintObj(list, &text); err != nil {
				log.Printf("%s: %v", decoded(columns[0]), err)
				differs = false
				break
			}
			body := strings.TrimPrefix(text.String(), "apiVersion: v1\nitems:\n")
			body = strings.TrimSuffix(body, "kind: List\nmetadata:\n  resourceVersion: \"\"\n")
			differs = differs || body != indented(string(decoded(column)))
			row += "\t" + encoded([]byte(body))
		}
		if differs {
			fmt.Fprintln(out, row)
		}
	}
}

func decoded(s string) []byte {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		log.Fatal(err)
	}
	return b
}

// A document as an item of a list, its lines left as they are. To YAML these separators are ends of lines too.
func indented(document string) string {
	var b strings.Builder
	for at, line := range strings.SplitAfter(document, "\n") {
		switch {
		case at == 0:
			b.WriteString("- ")
		case strings.TrimSuffix(line, "\n") != "":
			b.WriteString("  ")
		}
		b.WriteString(strings.NewReplacer("\u2028", "\u2028  ", "\u2029", "\u2029  ").Replace(line))
	}
	return b.String()
}
