"""From files to findings: settings of the linter, selection, rules, suppression, baseline."""
