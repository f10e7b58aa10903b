# Writes the C++ file that holds the page's files: cmake -D OUTPUT=... -D DIRECTORY=... -D FILES=a,b -P embed_page.cmake
# The assembler takes in the files as they are; their digests are there so that a compiler cache, which looks at the C++
# alone, sees that one has changed.

string(REPLACE "," ";" names "${FILES}")
set(assembly "")
set(symbols "")
set(table "")
set(index 0)
foreach(name IN LISTS names)
    file(SHA256 ${DIRECTORY}/${name} digest)
    set(symbol zabd_page_${index})
    string(APPEND assembly "// ${name} ${digest}\n"
        "asm(\".pushsection .rodata\\n.global ${symbol}\\n${symbol}:\\n.incbin \\\"${DIRECTORY}/${name}\\\"\\n\"\n"
        "    \".global ${symbol}_end\\n${symbol}_end:\\n.popsection\");\n")
    string(APPEND symbols "extern const char ${symbol}[];\nextern const char ${symbol}_end[];\n")
    string(APPEND table "        PageFile{\"${name}\", {${symbol}, ${symbol}_end}},\n")
    math(EXPR index "${index} + 1")
endforeach()

file(WRITE ${OUTPUT} "#include \"server/admin/page_files.hpp\"

#include <array>

${assembly}
extern \"C\" {
${symbols}}

namespace zabd::server::admin {

std::span<const PageFile> page_files() {
    static const std::array<PageFile, ${index}> files{
${table}    };
    return files;
}

}  // namespace zabd::server::admin
")
