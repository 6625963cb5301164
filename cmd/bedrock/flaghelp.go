package main

import (
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/etherscale/bedrock/node/config"
)

// groupFlags makes --help show a verb's flags by groups: those of this verb alone first, then those of the settings.
func groupFlags(root *cobra.Command) {
	cobra.AddTemplateFunc("groupedFlags", groupedFlags)
	const plain = `Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}`
	template := root.UsageTemplate()
	if !strings.Contains(template, plain) {
		panic("cobra's template of usage has changed: adapt groupFlags")
	}
	root.SetUsageTemplate(strings.ReplaceAll(template, plain, "{{groupedFlags .LocalFlags}}"))
	cobra.AddTemplateFunc("folded", func(text string) string { return foldParagraphs(text, helpWidth()) })
	root.SetHelpTemplate(strings.ReplaceAll(root.HelpTemplate(), "{{. | trimTrailingWhitespaces}}", "{{. | folded | trimTrailingWhitespaces}}"))
}

// flagGroup is some flags of a verb, with their title.
type flagGroup struct {
	title string
	flags *pflag.FlagSet
}

// flagGroups sorts flags into groups. Those that are no settings have the group "".
func flagGroups(flags *pflag.FlagSet) []flagGroup {
	groups := []flagGroup{{title: ""}}
	for _, title := range config.SettingGroups() {
		groups = append(groups, flagGroup{title: title})
	}
	for i := range groups {
		set := pflag.NewFlagSet("", pflag.ContinueOnError)
		set.SortFlags = false
		flags.VisitAll(func(f *pflag.Flag) {
			title := ""
			if of := f.Annotations[groupAnnotation]; len(of) > 0 {
				title = of[0]
			}
			if title == groups[i].title {
				set.AddFlag(f)
			}
		})
		groups[i].flags = set
	}
	return slices.DeleteFunc(groups, func(g flagGroup) bool { return !g.flags.HasAvailableFlags() })
}

// helpWidth is how many columns --help may take: the terminal's; where none is, as many as a page is wide that is easily read.
func helpWidth() int {
	if width := columnsOf(os.Stdout); width > 0 {
		return width
	}
	return 120
}

// foldParagraphs folds a text anew to so many columns. Lines that are indented, as those of tables, stay.
func foldParagraphs(text string, width int) string {
	var folded, paragraph []string
	flush := func() {
		if len(paragraph) > 0 {
			folded = append(folded, fold(strings.Join(paragraph, " "), width))
		}
		paragraph = nil
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if line != "" && line[0] != ' ' {
			paragraph = append(paragraph, line)
			continue
		}
		flush()
		folded = append(folded, line)
	}
	flush()
	return strings.Join(folded, "\n")
}

func groupedFlags(flags *pflag.FlagSet) string {
	var parts []string
	for _, g := range flagGroups(flags) {
		title := "Flags:"
		if g.title != "" {
			title = g.title + " settings:"
		}
		parts = append(parts, title+"\n"+strings.TrimRight(g.flags.FlagUsagesWrapped(helpWidth()), "\n"))
	}
	return strings.Join(parts, "\n\n")
}
