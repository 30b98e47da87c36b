"""Contract tests for the plug points, shipped for plug-in authors; they need no test framework."""
