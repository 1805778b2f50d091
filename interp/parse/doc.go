// Package parse reads shell commands into the nodes of mvdan.cc/sh/v3/syntax.
//
// Upstream's parser is made for a formatter: it wants whole files of valid
// UTF-8, and refuses what only has a meaning at run time. A shell reads one
// complete command at a time, from a source it may share with the commands it
// runs, in any encoding, with aliases. What upstream accepts gives the same
// nodes here, with these exceptions.
//
//   - Arithmetic is text: wherever the tree wants an ArithmExpr there is a
//     *[syntax.Word]. In $((…)), $[…], ((…)), for ((…)) and ${x:o:l} it is read
//     as in double quotes, a double quote being text: literals may contain
//     backslashes and quotes. A subscript is read like a word which may contain
//     blanks, its quotes are quotes: x["a b"] has a DblQuoted. A[@] is "@".
//   - let is a command like any other, as its arguments are words. The arguments
//     of let, eval and alias, and those of declarations after assignments, may
//     be a=(…): one word, of which the parentheses and blanks are literals.
//   - An element [k]+=v of an array is a word without Index, as it is written.
//   - Extended patterns, @(a|b), are literals and other parts of the word, not
//     an ExtGlob: "@(a|", the expansion of $b, ")". At the start of a command
//     !( is the reserved word and a subshell.
//   - Without Bash there is no DeclClause: export and its like are CallExpr
//     with arguments like a=b. The same holds in bash for "command export".
//   - What is not an expansion, as ${x!y} or without Bash ${x//a/b}, is a
//     ParamExp for which [BadSubst] reports true.
//   - ${x~} and ${x~~} are an OtherParamOps whose word is ~ or ~~.
//   - Comments are dropped.
//   - The text between backquotes is kept as it is written: see [Backquoted].
//   - [[ a && b || c ]] groups as (a && b) || c.
//   - "! !", and "!" alone (a Stmt without Cmd and Redirs), as bash has them.
//   - The body of a function is the command after it, not the list.
//   - Positions inside of an alias are the position of the word it replaced.
//
// Literals are as in the source, with their backslashes, without line
// continuations. What a backslash means depends on where the literal is:
// quoting any character in words; quoting $ ` " \ inside DblQuoted, and } too
// in the word of an operator with - = ? + there; quoting $ ` \ in a
// here-document. The words of # % / ^ , operators are always read as words,
// even inside double quotes. Here-documents after <<- have lost their tabs; see
// [HereQuoted] for those whose text is taken as it is.
package parse
