#define CATCH_CONFIG_MAIN
#define CATCH_CONFIG_CONSOLE_WIDTH 160  // findings with a path and a line on one line
#include <catch2/catch.hpp>
