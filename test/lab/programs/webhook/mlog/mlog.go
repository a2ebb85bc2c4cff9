// Package mlog has the part of monis.app/mlog that the workload identity webhook calls.
package mlog

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/go-logr/logr"
)

// LogLevel is a word of the flag --log-level.
type LogLevel string

// LogFormat is how a line is written; here there is one.
type LogFormat string

// The words for levels, from the fewest lines to the most.
const (
	LevelWarning LogLevel = ""
	LevelInfo    LogLevel = "info"
	LevelDebug   LogLevel = "debug"
	LevelTrace   LogLevel = "trace"
	LevelAll     LogLevel = "all"
)

// FormatJSON is a line of JSON for each message.
const FormatJSON LogFormat = "json"

// LogSpec is what the process logs and how.
type LogSpec struct {
	Level  LogLevel
	Format LogFormat
}

// The verbosity of klog that each level stands for. Verbosity n of logr is the level -n of slog.
var verbosity = map[LogLevel]int{LevelWarning: 0, LevelInfo: 2, LevelDebug: 4, LevelTrace: 6, LevelAll: 108}

var (
	enabled = new(slog.LevelVar)
	handler = slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: enabled})
)

// Logger writes messages with a name and values.
type Logger struct{ to logr.Logger }

// New is a logger without a name.
func New() Logger { return Logger{Logr()} }

// WithName appends to the name of the logger.
func (l Logger) WithName(name string) Logger { return Logger{l.to.WithName(name)} }

// WithValues is the logger whose messages all have these pairs.
func (l Logger) WithValues(pairs ...any) Logger { return Logger{l.to.WithValues(pairs...)} }

// Info writes a message, from the level info on.
func (l Logger) Info(message string, pairs ...any) {
	l.to.V(verbosity[LevelInfo]).Info(message, pairs...)
}

// Error writes an error, at every level.
func (l Logger) Error(message string, err error, pairs ...any) { l.to.Error(err, message, pairs...) }

// Logr is the same log as a logr.Logger.
func Logr() logr.Logger { return logr.FromSlogHandler(handler) }

// Setup returns what to call at the end; nothing is held back here.
func Setup() func() { return func() {} }

// Fatal writes the error and ends the process.
func Fatal(err error) {
	Logr().Error(err, "fatal")
	os.Exit(1)
}

// ValidateAndSetLogLevelAndFormatGlobally sets what is logged from now on; an unknown level is an error.
func ValidateAndSetLogLevelAndFormatGlobally(_ context.Context, spec LogSpec) error {
	n, known := verbosity[spec.Level]
	if !known {
		return fmt.Errorf("invalid log level %q", spec.Level)
	}
	enabled.Set(slog.Level(-n))
	return nil
}

// Enabled tells whether messages of the level are written.
func Enabled(level LogLevel) bool { return slog.Level(-verbosity[level]) >= enabled.Level() }
