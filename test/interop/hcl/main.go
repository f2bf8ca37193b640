// What a file in Terraform's language says, read with HashiCorp's own parser, as JSON: blocks by their type and labels,
// values evaluated where they hang on nothing, and as they are written otherwise. Fails where the file is not laid out as
// `terraform fmt` does it.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

func main() {
	source, err := io.ReadAll(os.Stdin)
	check(err)
	file, problems := hclsyntax.ParseConfig(source, "main.tf", hcl.InitialPos)
	if problems.HasErrors() {
		check(problems)
	}
	if !bytes.Equal(hclwrite.Format(source), source) {
		check(fmt.Errorf("not laid out as terraform fmt does it"))
	}
	check(json.NewEncoder(os.Stdout).Encode(contentOf(file.Body.(*hclsyntax.Body), source)))
}

func contentOf(body *hclsyntax.Body, source []byte) map[string]any {
	content := map[string]any{}
	for name, attribute := range body.Attributes {
		content[name] = valueOf(attribute.Expr, source)
	}
	for _, block := range body.Blocks {
		name := strings.Join(append([]string{block.Type}, block.Labels...), " ")
		if content[name] != nil {
			check(fmt.Errorf("%s is there twice", name))
		}
		content[name] = contentOf(block.Body, source)
	}
	return content
}

func valueOf(expression hclsyntax.Expression, source []byte) any {
	value, problems := expression.Value(nil)
	if problems.HasErrors() {
		return map[string]string{"expression": string(expression.Range().SliceBytes(source))}
	}
	text, err := ctyjson.Marshal(value, value.Type())
	check(err)
	return json.RawMessage(text)
}

func check(err error) {
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
