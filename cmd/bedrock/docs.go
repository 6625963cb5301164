package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/etherscale/bedrock/node/config"
	"github.com/etherscale/bedrock/node/health"
	"github.com/etherscale/bedrock/node/metrics"
)

// newDocsCommand writes the reference pages, for those who change the program.
func newDocsCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:    "docs",
		Short:  "Write the reference pages: each comes from one table of the program",
		Args:   noArgs,
		Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := os.MkdirAll(out, 0o755); err != nil {
				return fmt.Errorf("--out: %w", err)
			}
			for name, page := range referencePages() {
				if err := os.WriteFile(filepath.Join(out, name), []byte(page), 0o644); err != nil {
					return fmt.Errorf("--out: %w", err)
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "docs/reference", "directory to write to")
	return cmd
}

// referencePages are the pages of docs/reference by their names.
func referencePages() map[string]string {
	return map[string]string{
		"commands.md":      commandsPage(newRoot()),
		"configuration.md": configurationPage(),
		"exit-codes.md":    exitCodesPage(),
		"health.md":        health.Reference(),
		"metrics.md":       metrics.Reference(),
	}
}

// writtenBy ends a page's first paragraph.
func writtenBy(table string) string {
	return "This page is written from `" + table + "` by `go run ./cmd/bedrock docs`.\n"
}

func exitCodesPage() string {
	var b strings.Builder
	b.WriteString("# Exit codes\n\nEvery verb ends with one of these. With `--json` a failure is told as JSON on the standard output, too, unless the verb printed its\n" +
		"result already: `{\"schema\":1,\"kind\":\"error\",\"error\":{\"code\":3,\"name\":\"no-answer\",\"message\":\"...\"}}`.\n" + writtenBy("cmd/bedrock/exitcodes.go") +
		"\n| code | name | meaning | what to do |\n| --- | --- | --- | --- |\n")
	for _, row := range exitTable() {
		fmt.Fprintf(&b, "| %d | %s | %s | %s |\n", row.Code, row.Name, row.Text, row.Next)
	}
	return b.String()
}

func configurationPage() string {
	var b strings.Builder
	b.WriteString("# Configuration\n\nA setting has its value from the first of these that names it: a flag, a `BEDROCK_` variable, `config.toml` in the home, the network\n" +
		"file, the default. `bedrock config show --origin` says which it was. `config.toml` holds only what was changed; `bedrock config set KEY\nVALUE` changes it. " +
		"An unknown key, variable or flag is an error that names the place and the nearest known one.\n" + writtenBy("node/config/settingstable.go"))
	for _, group := range config.SettingGroups() {
		fmt.Fprintf(&b, "\n## %s\n\n| key | flag | variable | value | default |\n| --- | --- | --- | --- | --- |\n", group)
		for _, s := range config.SettingsTable() {
			if s.Group == group {
				fmt.Fprintf(&b, "| `%s` | `--%s` | `%s` | %s | %s |\n", s.Key, s.Flag(), s.Variable(), valueText(s), cell(s.Default))
			}
		}
	}
	b.WriteString("\nKeys that older homes may have: ")
	var old []string
	for _, o := range config.OldSettings() {
		old = append(old, fmt.Sprintf("`%s` (now `%s`)", o[0], o[1]))
	}
	b.WriteString(strings.Join(old, ", ") + ". They work, and the log names the new one.\n\n## Example\n\n```toml\n# ~/.local/share/bedrock/NETWORK/config.toml\n" +
		"role = \"peer\"\nprofile = \"pi\"\nlisten = [\"/ip4/0.0.0.0/tcp/4849\", \"/ip4/0.0.0.0/udp/4849/quic-v1\"]\nrow_budget = \"8GiB\"\n```\n")
	return b.String()
}

func valueText(s config.Setting) string {
	switch {
	case s.List:
		return cell(s.Help) + "; a list of texts in TOML, a repeated flag, commas in the variable"
	case s.Bool:
		return cell(s.Help) + "; true or false"
	}
	return cell(s.Help)
}

// cell is a text that may stand in a cell of a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", "\\|") }

func commandsPage(root *cobra.Command) string {
	root.InitDefaultCompletionCmd()
	var b strings.Builder
	b.WriteString("# Commands\n\nEvery flag is a variable too: `--row-budget` is `BEDROCK_ROW_BUDGET`; a flag goes before its variable. The exit codes are in\n" +
		"[exit-codes.md](exit-codes.md), what the settings mean in [configuration.md](configuration.md).\n" + writtenBy("the verbs of cmd/bedrock"))
	for _, g := range root.Groups() {
		fmt.Fprintf(&b, "\n## %s\n\n", strings.TrimSuffix(g.Title, ":"))
		for _, c := range root.Commands() {
			if c.GroupID == g.ID {
				fmt.Fprintf(&b, "- [`%s`](#%s): %s\n", c.CommandPath(), anchor(c), c.Short)
			}
		}
	}
	eachCommand(root, func(c *cobra.Command) {
		if c != root && c.IsAvailableCommand() && !within(c, "completion") {
			writeCommand(&b, c)
		}
	})
	b.WriteString("\n## bedrock completion\n\n`bedrock completion bash|zsh|fish|powershell` prints a script that completes verbs and flags; `bedrock completion bash --help` says where\nto put it.\n")
	return b.String()
}

func anchor(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

func within(c *cobra.Command, name string) bool {
	for ; c != nil; c = c.Parent() {
		if c.Name() == name {
			return true
		}
	}
	return false
}

func writeCommand(b *strings.Builder, c *cobra.Command) {
	fmt.Fprintf(b, "\n## %s\n\n%s.\n", c.CommandPath(), strings.TrimSuffix(c.Short, "."))
	if c.Long != "" {
		fmt.Fprintf(b, "\n%s\n", c.Long)
	}
	if c.Runnable() && !c.HasSubCommands() {
		fmt.Fprintf(b, "\n```\n%s\n```\n", c.UseLine())
	}
	if c.Example != "" {
		fmt.Fprintf(b, "\nExample:\n\n```\n%s\n```\n", c.Example)
	}
	for _, g := range flagGroups(c.LocalFlags()) {
		if g.title != "" {
			fmt.Fprintf(b, "\n%s settings: %s.\n", g.title, strings.Join(flagNames(g.flags), ", "))
			continue
		}
		b.WriteString("\n| flag | default | meaning |\n| --- | --- | --- |\n")
		g.flags.VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				fmt.Fprintf(b, "| `--%s` | %s | %s |\n", f.Name, defaultText(f), cell(f.Usage))
			}
		})
	}
}

func flagNames(flags *pflag.FlagSet) (names []string) {
	flags.VisitAll(func(f *pflag.Flag) { names = append(names, "`--"+f.Name+"`") })
	return names
}

func defaultText(f *pflag.Flag) string {
	switch f.DefValue {
	case "", "[]":
		return ""
	}
	return "`" + f.DefValue + "`"
}
