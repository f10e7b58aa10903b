# What find_package(zabd) reads: the targets zabd::client and zabd::recipes.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
find_dependency(OpenSSL COMPONENTS Crypto SSL)
find_dependency(Boost 1.81)
find_dependency(fmt)
find_dependency(nlohmann_json)
include("${CMAKE_CURRENT_LIST_DIR}/zabd-targets.cmake")
