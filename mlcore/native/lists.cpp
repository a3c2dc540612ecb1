// Lines of ranked lists from arrays: see mlcore/files/lists_native.py.

#include <charconv>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "export.hpp"

namespace {

struct Texts {
    const char *data;
    const int64_t *begins, *ends;

    std::string_view operator[](int64_t place) const {
        return {data + begins[place], size_t(ends[place] - begins[place])};
    }
};

class Writer {
public:
    explicit Writer(char *begin) : end_(begin) {}

    char *end() const { return end_; }

    void text(std::string_view text) {
        std::memcpy(end_, text.data(), text.size());
        end_ += text.size();
    }

    void json_string(std::string_view text) {
        *end_++ = '"';
        for (const char letter : text) {
            if (letter == '"' || letter == '\\' || uint8_t(letter) < 0x20)
                escape(letter);
            else
                *end_++ = letter;
        }
        *end_++ = '"';
    }

    void field(std::string_view text, char delimiter) {
        const char marks[] = {delimiter, '"', '\r', '\n'};
        if (text.find_first_of(std::string_view(marks, sizeof marks)) == text.npos) return this->text(text);
        *end_++ = '"';
        for (const char letter : text) {
            if (letter == '"') *end_++ = letter;
            *end_++ = letter;
        }
        *end_++ = '"';
    }

    void integer(int64_t value) { end_ = std::to_chars(end_, end_ + 20, value).ptr; }

    // The shortest decimal that reads back as the number, as ECMAScript prints it.
    void number(double value) {
        if (value == 0) return text("0");
        char scientific[32];  // such as -1.25e-07
        const char *const last =
            std::to_chars(scientific, scientific + sizeof scientific, value, std::chars_format::scientific)
                .ptr;
        const std::string_view all(scientific, last - scientific);
        const size_t e = all.find('e');
        int point = 0;  // digits before the decimal point
        std::from_chars(scientific + e + 1 + (all[e + 1] == '+'), last, point);
        ++point;
        char digits[32];
        int count = 0;
        for (const char letter : all.substr(0, e)) {
            if (letter == '-')
                *end_++ = letter;
            else if (letter != '.')
                digits[count++] = letter;
        }
        place({digits, size_t(count)}, point);
    }

private:
    void escape(char letter) {
        static const char plain[] = "\"\\\b\f\n\r\t", short_form[] = "\"\\bfnrt";
        *end_++ = '\\';
        if (const void *found = std::memchr(plain, letter, 7)) {
            *end_++ = short_form[static_cast<const char *>(found) - plain];
            return;
        }
        text("u00");
        *end_++ = "01"[letter >> 4];
        *end_++ = "0123456789abcdef"[letter & 15];
    }

    void zeros(int count) {
        std::memset(end_, '0', count);
        end_ += count;
    }

    void place(std::string_view digits, int point) {
        const int count = int(digits.size());
        if (-6 < point && point <= 0) {
            text("0.");
            zeros(-point);
            text(digits);
        } else if (count <= point && point <= 21) {
            text(digits);
            zeros(point - count);
        } else {
            const bool is_plain = 0 < point && point <= 21;
            const int before = is_plain ? point : 1;
            text(digits.substr(0, before));
            if (count > before) {
                *end_++ = '.';
                text(digits.substr(before));
            }
            if (!is_plain) {
                text(point > 0 ? "e+" : "e");
                integer(point - 1);
            }
        }
    }

    char *end_;
};

struct Lists {
    Texts users, items;
    const int64_t *bounds;
    const int32_t *listed;
    const double *scores;
    const bool *filled;
    const int64_t *reason_bounds;  // or null
    const int32_t *reasons;
    const double *shares;

    void json_line(Writer &out, int64_t list) const {
        out.text("{\"user_id\": ");
        out.json_string(users[list]);
        out.text(", \"items\": [");
        for (int64_t place = bounds[list]; place < bounds[list + 1]; ++place) {
            entry(out, place > bounds[list], items[listed[place]], "\"score\": ", scores[place]);
            if (filled[place]) out.text(", \"source\": \"popularity\"");
            if (reason_bounds) because(out, reason_bounds[place], reason_bounds[place + 1]);
            out.text("}");
        }
        out.text("]}\n");
    }

    void rows(Writer &out, int64_t list, char delimiter) const {
        const std::string_view between(&delimiter, 1);
        for (int64_t place = bounds[list]; place < bounds[list + 1]; ++place) {
            out.field(users[list], delimiter);
            out.text(between);
            out.field(items[listed[place]], delimiter);
            out.text(between);
            out.integer(place - bounds[list] + 1);
            out.text(between);
            out.number(scores[place]);
            out.text(between);
            out.text(filled[place] ? "popularity\n" : "similarity\n");
        }
    }

private:
    // All but the closing brace.
    static void entry(Writer &out, bool is_later, std::string_view id, std::string_view key, double number) {
        out.text(is_later ? ", {\"item_id\": " : "{\"item_id\": ");
        out.json_string(id);
        out.text(", ");
        out.text(key);
        out.number(number);
    }

    void because(Writer &out, int64_t begin, int64_t end) const {
        out.text(", \"because\": [");
        for (int64_t place = begin; place < end; ++place) {
            entry(out, place > begin, items[reasons[place]], "\"share\": ", shares[place]);
            out.text("}");
        }
        out.text("]");
    }
};

}  // namespace

// Returns the most bytes that a byte of the texts takes when it is written.
EXPORT int64_t mlcore_growth(const char *data, const int64_t *begins, const int64_t *ends, int64_t count) {
    const Texts texts = {data, begins, ends};
    bool is_control = false, is_marked = false;
    for (int64_t place = 0; place < count; ++place) {
        for (const char letter : texts[place]) {
            is_control |= uint8_t(letter) < 0x20;
            is_marked |= letter == '"' || letter == '\\';
        }
    }
    return is_control ? 6 : is_marked ? 2 : 1;
}

// Returns how many bytes were written. The delimiter of rows, or 0 for JSON Lines.
EXPORT int64_t mlcore_format_lists(const char *user_data, const int64_t *user_begins,
                                   const int64_t *user_ends, const char *item_data,
                                   const int64_t *item_begins, const int64_t *item_ends, int64_t num_lists,
                                   const int64_t *bounds, const int32_t *listed, const double *scores,
                                   const bool *filled, const int64_t *reason_bounds, const int32_t *reasons,
                                   const double *shares, int64_t delimiter, char *begin) {
    const Lists lists = {{user_data, user_begins, user_ends},
                         {item_data, item_begins, item_ends},
                         bounds,
                         listed,
                         scores,
                         filled,
                         reason_bounds,
                         reasons,
                         shares};
    Writer out(begin);
    for (int64_t list = 0; list < num_lists; ++list) {
        if (delimiter)
            lists.rows(out, list, delimiter);
        else
            lists.json_line(out, list);
    }
    return out.end() - begin;
}
